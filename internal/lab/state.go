package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netns"
)

// process identifies a process of the lab. The start time distinguishes it from a later process
// with the same process ID.
type process struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks since boot
	What  string `json:"what"`
}

// identify describes a running process.
func identify(pid int, what string) (process, error) {
	start, err := startTime(pid)
	return process{pid, start, what}, err
}

// alive reports whether the process still runs; a zombie does not.
func (p process) alive() bool {
	start, err := startTime(p.PID)
	return err == nil && start == p.Start
}

func (p process) signal(s unix.Signal) {
	if p.alive() {
		_ = unix.Kill(p.PID, s) // the process may have ended in the meantime
	}
}

// stop asks a process to end, and kills it if it has not ended after the grace time.
func (p process) stop(grace time.Duration) {
	p.signal(unix.SIGTERM)
	for deadline := time.Now().Add(grace); p.alive() && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	p.signal(unix.SIGKILL)
}

var errZombie = errors.New("process has ended")

// startTime reads field 22 of /proc/PID/stat (proc_pid_stat(5)).
func startTime(pid int) (uint64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The command in parentheses may contain any character. So the fields are counted after its
	// end, where the state is field 3.
	s := string(b)
	fields := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
	if len(fields) < 20 {
		return 0, fmt.Errorf("/proc/%d/stat: unexpected format", pid)
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return 0, errZombie
	}
	return strconv.ParseUint(fields[22-3], 10, 64)
}

// record lists the lab's processes in a file. So they can be found after a crash of the
// process that started them.
type record struct {
	path string

	mu        sync.Mutex
	Processes []process `json:"processes"` // the keeper first
}

const recordFile = "lab.json"

// newRecord starts the record of a lab whose keeper is this process.
func newRecord(p plan) (*record, error) {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if err := ownDirectory(p.dir); err != nil {
		return nil, err
	}
	keeper, err := identify(os.Getpid(), "keeper")
	if err != nil {
		return nil, err
	}
	r := &record{path: filepath.Join(p.dir, recordFile), Processes: []process{keeper}}
	return r, r.save()
}

// errNotOurs is the error for a state directory that another user can write.
var errNotOurs = errors.New("the lab's state directory is refused")

// ownDirectory refuses a state directory that another user has made or can write. In the
// directory for temporary files any user can make a directory of the expected name. This
// user would then choose which processes the lab stops and which files it writes.
func ownDirectory(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	switch {
	case !info.IsDir():
		return fmt.Errorf("%w: %s is no directory", errNotOurs, dir)
	case int(owner) != os.Geteuid():
		return fmt.Errorf("%w: %s belongs to the user with the number %d", errNotOurs, dir, owner)
	case info.Mode()&0o022 != 0:
		return fmt.Errorf("%w: other users can write %s", errNotOurs, dir)
	}
	return nil
}

// loadRecord reads the record of a lab; the error is fs.ErrNotExist if there is none.
func loadRecord(p plan) (*record, error) {
	if err := ownDirectory(p.dir); err != nil {
		return nil, err
	}
	r := &record{path: filepath.Join(p.dir, recordFile)}
	b, err := os.ReadFile(r.path)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: %w", r.path, err)
	}
	return r, nil
}

// add adds a process to the record and removes those that have ended.
func (r *record) add(p process) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.Processes[:0]
	for _, q := range r.Processes {
		if q.alive() {
			kept = append(kept, q)
		}
	}
	kept = append(kept, p)
	r.Processes = kept
	return r.save()
}

// save replaces the whole file in one step, so after a crash there is the old file or the
// new one.
func (r *record) save() error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.path+".new", b, 0o644); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return os.Rename(r.path+".new", r.path)
}

// keeperAlive returns the running keeper of a lab.
func keeperAlive(p plan) (process, bool) {
	r, err := loadRecord(p)
	if err != nil || len(r.Processes) == 0 {
		return process{}, false
	}
	return r.Processes[0], r.Processes[0].alive()
}

// stopGrace is how long a process may take to end before it is killed.
const stopGrace = 5 * time.Second

// takeDown removes everything that exists of a lab, and reports whether anything existed.
func takeDown(p plan) (found bool, err error) {
	r, err := loadRecord(p)
	switch {
	case err == nil:
		found = true
		// The keeper first, because it stops what it has started.
		for _, proc := range r.Processes {
			proc.stop(stopGrace)
		}
	case errors.Is(err, errNotOurs):
		return false, err
	case !errors.Is(err, fs.ErrNotExist):
		// If the record cannot be read, the rest is still removed.
		found = true
	default:
		err = nil
	}
	errs := []error{err}
	var names []string
	if os.Geteuid() == 0 {
		names, _ = netns.Names()
	} // without root they were in the user namespace, which ended with its processes
	for _, part := range parts() {
		for _, name := range names {
			if name == p.ns(part) {
				found = true
				errs = append(errs, netns.Delete(name))
			}
		}
	}
	if found {
		errs = append(errs, os.RemoveAll(p.dir))
	}
	return found, errors.Join(errs...)
}
