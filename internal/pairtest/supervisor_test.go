package pairtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/testnet"
)

// supervisor does for a daemon what systemd does for a unit with Type=notify,
// NotifyAccess=main, FileDescriptorStoreMax=, WatchdogSec=, KillMode=process,
// RestartKillSignal=SIGUSR2 and ExecStopPost=: it speaks sd_notify(3) and
// sd_listen_fds(3).
type supervisor struct {
	d      *device
	socket *net.UnixConn
	path   string

	mu     sync.Mutex
	ready  int // how many daemons have reported that they are ready
	alive  int // number of watchdog notifications
	stored []stored
}

type stored struct {
	name string
	file *os.File
}

// supervise starts the device's daemon under a supervisor.
func supervise(d *device, lines ...string) *supervisor {
	d.t.Helper()
	s := &supervisor{d: d, path: d.path("notify")}
	var err error
	s.socket, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.path, Net: "unixgram"})
	testnet.Must(d.t, err)
	d.t.Cleanup(func() { s.socket.Close(); s.discard() })
	go s.listen()
	testnet.Must(d.t, os.WriteFile(d.path("device.cfg"), []byte(strings.Join(lines, "\n")), 0o644))
	s.start()
	return s
}

// start starts the daemon with what is in the store.
func (s *supervisor) start() {
	s.d.t.Helper()
	s.mu.Lock()
	ready := s.ready
	stored := slices.Clone(s.stored)
	s.mu.Unlock()
	args := []string{"-run", s.d.runDir(), "-state", s.d.path("state"), "-config", s.d.path("device.cfg")}
	// Only the process itself knows its process ID, which LISTEN_PID must be.
	cmd := exec.Command("/bin/sh", append([]string{"-c", `LISTEN_PID=$$ exec "$@"`, "sh", program("tandemd")}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+s.path, "WATCHDOG_USEC=600000")
	var names []string
	for _, f := range stored {
		cmd.ExtraFiles = append(cmd.ExtraFiles, f.file)
		names = append(names, f.name)
	}
	if len(stored) > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("LISTEN_FDS=%d", len(stored)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	}
	s.d.launch(cmd)
	eventually(s.d.t, "the daemon of device "+s.d.name+" is ready", func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.ready == ready {
			return fmt.Errorf("it has said so %d times, as before", ready)
		}
		return nil
	})
	s.d.connect()
}

// listen takes notifications.
func (s *supervisor) listen() {
	message, control := make([]byte, 4096), make([]byte, 4096)
	for {
		n, c, _, _, err := s.socket.ReadMsgUnix(message, control)
		if err != nil {
			return // closed at the end of the test
		}
		s.take(parseState(string(message[:n])), descriptors(control[:c]))
	}
}

func parseState(text string) map[string]string {
	state := make(map[string]string)
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		state[key] = value
	}
	return state
}

func descriptors(control []byte) (fds []int) {
	messages, _ := unix.ParseSocketControlMessage(control)
	for i := range messages {
		more, _ := unix.ParseUnixRights(&messages[i])
		fds = append(fds, more...)
	}
	return fds
}

func (s *supervisor) take(state map[string]string, fds []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := state["FDNAME"]
	switch {
	case state["FDSTORE"] == "1":
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			s.stored = append(s.stored, stored{name, os.NewFile(uintptr(fd), name)})
		}
		return
	case state["FDSTOREREMOVE"] == "1":
		s.stored = slices.DeleteFunc(s.stored, func(f stored) bool {
			if f.name == name {
				f.file.Close()
			}
			return f.name == name
		})
	case state["READY"] == "1":
		s.ready++
	case state["WATCHDOG"] == "1":
		s.alive++
	}
	for _, fd := range fds { // descriptors of a barrier
		unix.Close(fd)
	}
}

// holds lists the names in the descriptor store.
func (s *supervisor) holds() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.stored {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return names
}

func (s *supervisor) discard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.stored {
		f.file.Close()
	}
	s.stored = nil
}

// stopPost is the unit's ExecStopPost.
func (s *supervisor) stopPost(result string) {
	s.d.t.Helper()
	guard := exec.Command(program("tandem"), "trunk-guard", "-run", s.d.runDir())
	guard.Env = append(os.Environ(), "SERVICE_RESULT="+result)
	if status, said := s.d.run(guard); status != 0 {
		s.d.t.Fatalf("trunk-guard: %s", said)
	}
}

// restart does what `systemctl restart` does: the old process ends, and a new one is started.
func (s *supervisor) restart() {
	s.d.t.Helper()
	s.d.signal(syscall.SIGUSR2)
	if s.d.exitStatus != 0 {
		s.d.t.Fatalf("the daemon of device %s ended with status %d", s.d.name, s.d.exitStatus)
	}
	s.stopPost("success")
	s.start()
}

// TestSupervisedRestartWithoutGap is TestRestartWithoutGap under a supervisor, which stores
// what the old process leaves for the new one.
func TestSupervisedRestartWithoutGap(t *testing.T) {
	p := newPair(t)
	supervisors := map[*device]*supervisor{
		p.a: supervise(p.a, configuration("a")...), p.b: supervise(p.b, configuration("b")...),
	}
	p.forms(0)
	const streams = 1000
	l := p.startLoad(streams)
	p.forms(streams)
	for round := range 2 {
		for d, s := range supervisors {
			from := l.steady()
			before := [2]string{p.a.roles(), p.b.roles()}
			count := d.logged(goneOn)
			s.restart()
			d.succeeded(count)
			p.forms(streams)
			l.unbroken(from, fmt.Sprintf("round %d, device %s", round+1, d.name))
			if after := [2]string{p.a.roles(), p.b.roles()}; after != before {
				t.Errorf("round %d, device %s: roles, duty or BFD changed\nfrom %q\nto   %q", round+1, d.name, before, after)
			}
			if left := s.holds(); len(left) > 0 {
				t.Errorf("still in the store of device %s: %v", d.name, left)
			}
		}
	}
	for d, s := range supervisors {
		eventually(t, "device "+d.name+" feeds its watchdog", func() error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.alive < 3 {
				return fmt.Errorf("%d signs of life", s.alive)
			}
			return nil
		})
	}
}

// TestCrashUnderSupervisor: the leg of a daemon that dies is taken down, and the next daemon
// starts without its state.
func TestCrashUnderSupervisor(t *testing.T) {
	p := newPair(t)
	s := supervise(p.a, configuration("a")...)
	p.b.start(configuration("b")...)
	p.forms(0)
	p.a.kill()
	s.stopPost("signal")
	if link, err := p.a.Links.Link(legLink); err != nil || link.AdminUp {
		t.Errorf("the leg is up (%v)", err)
	}
	s.start()
	p.forms(0)
	if n := p.a.logged(goneOn); n != 0 {
		t.Error("the daemon went on from one that had crashed")
	}
}

// TestSuccessorThatDoesNotCome: the state of the old daemon is kept for a while; then the peer
// takes over.
func TestSuccessorThatDoesNotCome(t *testing.T) {
	p := newPair(t)
	s := supervise(p.a, configuration("a")...)
	p.b.start(configuration("b")...)
	p.forms(0)
	p.a.signal(syscall.SIGUSR2)
	if held := s.holds(); !slices.Contains(held, "mroute") || !slices.Contains(held, "bfd") || !slices.Contains(held, "state") {
		t.Fatalf("in the store: %v", held)
	}
	if lines := p.a.kernelFile("ip6_mr_vif"); countLines(lines) < 2 {
		t.Errorf("the kernel's table has gone:\n%s", lines)
	}
	eventually(t, "device b takes over", p.b.sole)
	s.discard()
	s.start()
	p.forms(0)
}
