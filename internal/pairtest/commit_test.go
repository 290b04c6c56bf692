package pairtest

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/testnet"
)

var commits = flag.Int("commits", 40, "how many commits TestKilledWhileCommitting makes")

// newSingle makes a device without a peer or interfaces.
func newSingle(t *testing.T) *device {
	t.Helper()
	t.Parallel()
	return newDevice(t, "a", testnet.NewNode(t))
}

// TestKilledWhileCommitting kills the daemon at random moments of commits that change several
// objects each. After the restart its configuration is complete. It is the last commit that the
// console confirmed, or the one under way.
func TestKilledWhileCommitting(t *testing.T) {
	d := newSingle(t)
	d.start()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	taken, kills, found := 0, 0, 0
	usual := 20 * time.Millisecond // duration of a commit
	for n := 1; n <= *commits; n++ {
		p := d.process
		if random.IntN(3) == 0 {
			kills++
			time.AfterFunc(time.Duration(random.Int64N(int64(2*usual))), func() { _ = p.cmd.Process.Kill() })
			if d.commits(n) == nil {
				taken = n
			}
			d.ends(syscall.SIGKILL)
			d.start()
			switch got := d.committed(); got {
			case taken:
			case n:
				taken = n
				found++ // the commit was complete, but the console could not confirm it
			default:
				t.Fatalf("after commit %d it starts with %d; the console took %d last", n, got, taken)
			}
			continue
		}
		began := time.Now()
		testnet.Must(t, d.commits(n))
		taken, usual = n, time.Since(began)
	}
	if got := d.committed(); got != taken {
		t.Errorf("it runs %d, the console took %d last", got, taken)
	}
	if log, err := os.ReadFile(d.path("log")); err != nil || strings.Contains(string(log), "STORE_DAMAGED") {
		t.Errorf("a part of the store was damaged, %v", err)
	}
	left, err := filepath.Glob(d.path("state/commits/.new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	t.Logf("%d commits, %d kills, %d of them after the commit was written and before it was answered", *commits, kills, found)
}

// commits makes commit n, which sets every object to that number. The error says that the
// daemon does not answer.
func (d *device) commits(n int) error {
	lines := []string{"system-view", fmt.Sprintf("sysname N%d", n)}
	for i := range 5 {
		lines = append(lines, fmt.Sprintf("e-trunk %d", i+1), fmt.Sprintf("description N%d", n), "quit")
	}
	for _, line := range append(lines, "commit", "return") {
		reply, err := d.exec(line)
		if err != nil {
			return err
		}
		if reply.Failed {
			return errors.New(reply.Output)
		}
	}
	return nil
}

var commitNumber = regexp.MustCompile(`(?m)^ ?(?:sysname|description) N(\d+)$`)

// committed returns the number to which all objects are set, 0 for none.
func (d *device) committed() (n int) {
	d.t.Helper()
	text := d.shows("current-configuration")
	all := commitNumber.FindAllStringSubmatch(text, -1)
	if len(all) == 0 && !strings.Contains(text, "e-trunk") {
		return 0
	}
	if len(all) != 6 || slices.ContainsFunc(all, func(m []string) bool { return m[1] != all[0][1] }) {
		d.t.Fatalf("a configuration that was never committed:\n%s", text)
	}
	_, _ = fmt.Sscan(all[0][1], &n)
	return n
}

// TestDiskFull: a commit that cannot be written is not put in force; the earlier one stays in
// force.
func TestDiskFull(t *testing.T) {
	d := newSingle(t)
	state := d.path("state")
	testnet.Must(t, os.Mkdir(state, 0o700))
	testnet.Must(t, unix.Mount("tmpfs", state, "tmpfs", 0, "size=256k"))
	t.Cleanup(func() { _ = unix.Unmount(state, unix.MNT_DETACH) })
	d.start()
	d.configures("sysname A")
	d.types("save")
	full := filepath.Join(state, "full")
	if err := os.WriteFile(full, make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	d.types("system-view", "sysname B")
	contains(t, d.refuses("commit"), "the commit cannot be written, nothing is changed: ")
	if current := d.shows("current-configuration"); !strings.Contains(current, "sysname A\n") {
		t.Errorf("the refused configuration is in force:\n%s", current)
	}
	d.types("clear configuration candidate", "return")
	contains(t, d.refuses("save"), "no space left on device")
	d.kill()
	d.start()
	for _, what := range []string{"current-configuration", "saved-configuration"} {
		contains(t, d.shows(what), "sysname A\n")
	}
	testnet.Must(t, os.Remove(full))
	d.configures("sysname B")
	d.types("save")
	contains(t, d.shows("saved-configuration"), "sysname B\n")
}

// TestSecretsStayHidden looks for a key in clear text in everything that a daemon writes,
// including its output when it crashes.
func TestSecretsStayHidden(t *testing.T) {
	const key = "Clear-Text-1"
	d := newSingle(t)
	d.start()
	d.types("system-view", "e-trunk 1", "security-key simple "+key)
	shown := d.shows("this") + d.shows("configuration candidate changes")
	d.types("commit", "return", "save")
	for _, what := range []string{"current-configuration", "current-configuration | json", "saved-configuration", "e-trunk 1", "e-trunk 1 | json",
		"logbuffer", "configuration commit list verbose", "configuration commit changes | json"} {
		reply, err := d.exec("display " + what)
		testnet.Must(t, err)
		shown += reply.Output
	}
	reply, err := d.exec("security-key simple " + key + " " + key) // the line is not a valid command here
	testnet.Must(t, err)
	shown += strings.ReplaceAll(reply.Output, "security-key simple "+key+" "+key, "")
	if strings.Contains(shown, key) {
		t.Errorf("it is shown:\n%s", shown)
	}
	d.signal(syscall.SIGQUIT)
	log, err := os.ReadFile(d.path("log"))
	testnet.Must(t, err)
	for _, want := range []string{"SIGQUIT: quit", "goroutine ", `Command="security-key simple ******"`} {
		contains(t, string(log), want)
	}
	err = filepath.WalkDir(d.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), key) {
			t.Errorf("%s has the key in clear", path)
		}
		return err
	})
	testnet.Must(t, err)
	info, err := os.Stat(d.path("state/device.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the device key: %v, %v", info.Mode(), err)
	}
}
