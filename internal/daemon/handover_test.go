package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/config"
	"tandem/internal/event"
	"tandem/internal/journal"
	"tandem/internal/linux/inherit"
	"tandem/internal/linux/links"
)

// insideKey marks the environment of the tests that run in a network namespace of their own.
const insideKey = "TANDEM_DAEMON_TEST"

// TestMain runs the tests in a network namespace of their own if that is permitted, because a
// daemon uses the namespace of its process.
func TestMain(m *testing.M) {
	if os.Getenv(insideKey) != "" || os.Geteuid() != 0 {
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), insideKey+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := cmd.Run(); err != nil {
		os.Exit(1)
	}
}

var here = netip.MustParseAddr("2001:db8::a")

// running is a daemon that runs.
type running struct {
	*Daemon
	log   *journal.Journal
	stop  context.CancelFunc
	ended chan error
}

// runs starts a daemon that takes over files, and applies a configuration.
func runs(t *testing.T, m *config.Model, files inherit.Files) *running {
	t.Helper()
	log := journal.New(slog.DiscardHandler)
	d, err := New(Options{RunDir: t.TempDir(), DeviceID: 7, Journal: log, Inherited: files})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r := &running{d, log, stop, make(chan error, 1)}
	go func() { r.ended <- d.Run(ctx) }()
	if err := d.Apply(m); err != nil {
		t.Fatal(err)
	}
	return r
}

// ends waits until Run has returned.
func (r *running) ends(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(10 * time.Second):
		t.Fatalf("it does not end; running: %v and %v", r.o.tasks.Running(), r.o.readers.Running())
		return nil
	}
}

// TestHandOver: a daemon hands over to another one. The successor keeps the predecessor's
// time, its BFD discriminators, and the sockets of the hellos and of the channel.
func TestHandOver(t *testing.T) {
	if os.Getenv(insideKey) == "" {
		t.Skip("needs root")
	}
	address(t)
	m, err := config.Parse(`
bfd
#
remote-backup-service rbs1
 peer-ipv6 2001:db8::b source-ipv6 2001:db8::a port 7000
 transport plaintext
#
e-trunk 1
 peer-ipv6 2001:db8::b source-ipv6 2001:db8::a
 security-key simple Some-Key-1
 e-trunk bfd enable
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	first := runs(t, m, nil)
	time.Sleep(50 * time.Millisecond)
	uptime, sessions := first.Snapshot().Uptime, first.BFD()
	var files inherit.Files
	passed := errors.New("passed on")
	if err := first.HandOver(func(left inherit.Files) error { files = duplicates(t, left); return passed }); !errors.Is(err, passed) {
		t.Fatalf("hand over: %v", err)
	}
	if err := first.Apply(m); err == nil {
		t.Error("a configuration is taken after the hand-over")
	}
	if err := first.ends(t); !errors.Is(err, passed) {
		t.Errorf("Run: %v", err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	if slices.Sort(names); !slices.Equal(names, []string{helloFile, rbsFile, checkpointFile}) {
		t.Errorf("handed over: %v", names)
	}
	peer, err := net.Dial("tcp6", netip.AddrPortFrom(here, 7000).String())
	if err != nil {
		t.Fatal("nobody listens between the two:", err)
	}
	defer peer.Close()

	second := runs(t, m, files)
	if n := second.log.Counts()[event.TookOver]; n != 1 {
		t.Errorf("took over %d times", n)
	}
	if second.o.predecessor.exists() || len(second.o.predecessor.files) != 0 {
		t.Errorf("not all was taken over: %+v", second.o.predecessor.files)
	}
	if got := second.Snapshot().Uptime; got <= uptime {
		t.Errorf("uptime %v after %v", got, uptime)
	}
	again := second.BFD()
	if len(sessions) != 1 || len(again) != 1 || again[0].LocalDiscriminator != sessions[0].LocalDiscriminator {
		t.Errorf("BFD sessions %+v after %+v", again, sessions)
	}
	second.stop()
	if err := second.ends(t); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// address takes the loopback interface up and gives it the device's address.
func address(t *testing.T) {
	t.Helper()
	handle, err := links.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	if err := handle.SetUp("lo", true); err != nil {
		t.Fatal(err)
	}
	if err := handle.AddAddress("lo", netip.PrefixFrom(here, 128)); err != nil {
		t.Fatal(err)
	}
	// A worker of the kernel adds the route to the address, on a busy machine after a while.
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		_, err := net.Dial("tcp6", netip.AddrPortFrom(here, 1).String())
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the address cannot be reached: ", err)
		}
	}
}

// duplicates copies the descriptors, as a successor has them when the process ends.
func duplicates(t *testing.T, files inherit.Files) (copies inherit.Files) {
	t.Helper()
	for _, f := range files {
		raw, err := f.File.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		fd := -1
		if controlled := raw.Control(func(n uintptr) { fd, err = unix.FcntlInt(n, unix.F_DUPFD_CLOEXEC, 0) }); controlled != nil || err != nil {
			t.Fatal(controlled, err)
		}
		f.File.Close()
		copies = append(copies, inherit.File{Name: f.Name, File: os.NewFile(uintptr(fd), f.Name)})
	}
	return copies
}

// TestEndsWhenAsked: a daemon without a peer ends when it is told to, although no peer
// takes over, and leaves no goroutine.
func TestEndsWhenAsked(t *testing.T) {
	if os.Getenv(insideKey) == "" {
		t.Skip("needs root")
	}
	d := runs(t, config.New(), nil)
	d.stop()
	if err := d.ends(t); err != nil {
		t.Errorf("Run: %v", err)
	}
	if left := append(d.o.tasks.Running(), d.o.readers.Running()...); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
}
