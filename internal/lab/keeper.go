package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netns"
)

// restartDelay is how long a daemon that died by itself stays down.
const restartDelay = time.Second

// keeper runs the daemons like a service manager. When a daemon dies, it lets the trunk guard
// take the device's legs down, so that the switch stops using them, and starts the daemon
// again.
type keeper struct {
	topo   *topology
	record *record
	daemon string // path of tandemd
	tandem string // path of tandem, for its trunk-guard
	logf   func(format string, args ...any)

	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu    sync.Mutex
	units map[string]*unit
}

// unit is the daemon of one device.
type unit struct {
	proc    process
	running bool
	held    bool          // the keeper must not start the daemon again
	exited  chan struct{} // closed when the present process of the daemon has ended
}

// newKeeper finds the programs and returns a keeper that has started none.
func newKeeper(t *topology, r *record, logf func(string, ...any)) (*keeper, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	daemon, tandem, err := findPrograms(self)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &keeper{topo: t, record: r, daemon: daemon, tandem: tandem, logf: logf,
		ctx: ctx, cancel: cancel, units: make(map[string]*unit)}, nil
}

// start starts the daemon of a device and restarts it when it ends.
func (k *keeper) start(device string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	u := k.units[device]
	if u == nil {
		u = &unit{}
		k.units[device] = u
	}
	if u.running {
		return fmt.Errorf("tandemd of device %s runs already", device)
	}
	if err := k.ctx.Err(); err != nil {
		return err
	}
	cmd, err := k.command(device)
	if err != nil {
		return err
	}
	if err := k.topo.spaces[device].Start(cmd); err != nil {
		return fmt.Errorf("start tandemd of device %s: %w", device, err)
	}
	exited := make(chan struct{})
	u.running, u.held, u.exited = true, false, exited
	u.proc, err = identify(cmd.Process.Pid, "tandemd of device "+device)
	k.done.Go(func() { k.watch(device, cmd, exited) })
	if err == nil {
		err = k.record.add(u.proc)
	}
	return err
}

// command returns the command of a device's daemon. The daemon's directories remain for its
// next start, as on a disk.
func (k *keeper) command(device string) (*exec.Cmd, error) {
	dir := k.topo.deviceDir(device)
	state := filepath.Join(dir, "state")
	for _, d := range []string{state, k.topo.runDir(device)} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	conf := filepath.Join(dir, "device.cfg")
	if err := os.WriteFile(conf, k.topo.procedure(device), 0o600); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(dir, "tandemd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(k.daemon, "-config", conf, "-run", k.topo.runDir(device), "-state", state)
	cmd.Stdout, cmd.Stderr = log, log
	// The daemon gets a session of its own, like a service: Ctrl-C reaches only the
	// keeper.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd, nil
}

// watch waits until a daemon ends. Then it does what a service manager does: it runs the
// trunk guard and starts the daemon again.
func (k *keeper) watch(device string, cmd *exec.Cmd, exited chan struct{}) {
	err := cmd.Wait()
	if log, ok := cmd.Stdout.(*os.File); ok {
		log.Close()
	}
	ended := time.Now()
	k.mu.Lock()
	u := k.units[device]
	u.running = false
	held := u.held
	k.mu.Unlock()
	if k.ctx.Err() == nil {
		k.guard(device)
		k.logf("tandemd of device %s ended (%s); its leg was taken down in %.0f ms", device, exitWord(err), ms(time.Since(ended)))
	}
	close(exited)
	if held {
		return
	}
	select {
	case <-k.ctx.Done():
	case <-time.After(restartDelay):
		k.again(device)
	}
}

func (k *keeper) again(device string) {
	k.mu.Lock()
	held := k.units[device].held
	k.mu.Unlock()
	if held || k.ctx.Err() != nil {
		return
	}
	if err := k.start(device); err != nil {
		k.logf("%v", err)
		return
	}
	k.logf("tandemd of device %s started again, pid %d", device, k.pid(device))
}

// guard takes down the legs that a dead daemon has left up.
func (k *keeper) guard(device string) {
	cmd := exec.Command(k.tandem, "trunk-guard", "-run", k.topo.runDir(device))
	if out, err := k.output(k.topo.spaces[device], cmd); err != nil {
		k.logf("trunk-guard of device %s: %v: %s", device, err, out)
	}
}

func (k *keeper) output(ns *netns.Namespace, cmd *exec.Cmd) ([]byte, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out []byte
	err := ns.Do(func() (err error) {
		out, err = cmd.CombinedOutput()
		return err
	})
	return out, err
}

func exitWord(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// kill ends a daemon with SIGKILL and does not restart it until start. It returns when the
// signal is sent.
func (k *keeper) kill(device string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	u := k.units[device]
	if u == nil || !u.running {
		return fmt.Errorf("tandemd of device %s does not run", device)
	}
	u.held = true
	return unix.Kill(u.proc.PID, unix.SIGKILL)
}

// gone waits until the guard has taken the legs of a killed daemon down.
func (k *keeper) gone(ctx context.Context, device string) error {
	k.mu.Lock()
	exited := k.units[device].exited
	k.mu.Unlock()
	select {
	case <-exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pid returns the process ID of a device's daemon, 0 if there is none.
func (k *keeper) pid(device string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	if u := k.units[device]; u != nil && u.running {
		return u.proc.PID
	}
	return 0
}

// stop ends the daemons and does not start them again.
func (k *keeper) stop() {
	k.cancel()
	k.mu.Lock()
	var stopping sync.WaitGroup
	for _, u := range k.units {
		if u.running {
			stopping.Go(func() { u.proc.stop(stopGrace) })
		}
	}
	k.mu.Unlock()
	stopping.Wait()
	k.done.Wait()
}

// tail returns the end of a daemon's log, for error messages.
func (k *keeper) tail(device string) string {
	const most = 2000
	b, err := os.ReadFile(filepath.Join(k.topo.deviceDir(device), "tandemd.log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err.Error()
	}
	if len(b) > most {
		b = b[len(b)-most:]
	}
	return string(b)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
