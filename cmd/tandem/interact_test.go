package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/manage"
)

// screen is the operator's side of a pseudo terminal.
type screen struct {
	t      *testing.T
	master *os.File

	mu   sync.Mutex
	seen bytes.Buffer
	more chan struct{}
}

// openTerminal makes a pseudo terminal and returns both sides.
func openTerminal(t *testing.T) (*screen, *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals: %v", err)
	}
	t.Cleanup(func() { slave.Close() })
	s := &screen{t: t, master: master, more: make(chan struct{}, 1)}
	go s.read()
	return s, slave
}

func (s *screen) read() {
	buf := make([]byte, 4096)
	for {
		n, err := s.master.Read(buf)
		s.mu.Lock()
		s.seen.Write(buf[:n])
		s.mu.Unlock()
		select {
		case s.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// types presses keys and waits until new text on the screen contains what is wanted.
func (s *screen) types(keys, want string) {
	s.t.Helper()
	s.mu.Lock()
	s.seen.Reset()
	s.mu.Unlock()
	if _, err := io.WriteString(s.master, keys); err != nil {
		s.t.Fatal(err)
	}
	s.waits(want)
}

func (s *screen) waits(want string) {
	s.t.Helper()
	giveUp := time.After(10 * time.Second)
	for {
		s.mu.Lock()
		text := s.seen.String()
		s.mu.Unlock()
		if strings.Contains(text, want) {
			return
		}
		select {
		case <-s.more:
		case <-giveUp:
			s.t.Fatalf("%q does not come, the screen shows %q", want, text)
		}
	}
}

func TestTerminal(t *testing.T) {
	socket := startDaemon(t)
	client := manage.NewClient(socket)
	defer client.Close()
	s, slave := openTerminal(t)
	ended := make(chan error, 1)
	go func() { ended <- interact(t.Context(), client, slave, slave) }()
	s.waits("<Tandem>")

	s.types("?", "system-view")
	s.types("sys\t", "system-view ")
	s.types("\r", "[~Tandem]")
	s.types("e-trunk ?", "INTEGER<1-64>")
	s.types("1\r", "[*Tandem-e-trunk-1]")
	s.types("description \"why?\"\r", "[*Tandem-e-trunk-1]")
	s.types("display this\r", " description \"why?\"")
	s.types("nonsense\x03", "[*Tandem-e-trunk-1]")
	s.types("\x1a", "Y(yes)/N(no)/C(cancel)]:")
	s.types("c\r", "[*Tandem-e-trunk-1]")
	s.types("\x04", "Y(yes)/N(no)/C(cancel)]:") // Ctrl+D asks the same question
	s.types("n\r", "<Tandem>")
	s.types("display remote-b\t", "remote-backup-")
	s.types("\t", "remote-backup-service") // a second Tab lists the candidates
	s.types("\x03terminal monitor\r", "monitor\r\n<Tandem>")
	other := manage.NewClient(socket) // another user connects
	defer other.Close()
	if _, err := other.Open(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	s.waits("SHELL/6/LOGIN(l)")
	s.types("ping ipv6 ::1\r", "ping ipv6 ::1")
	s.types("\x03", "0 packet(s) transmitted")
	s.types("quit\r", "quit")
	if err := <-ended; err != nil {
		t.Errorf("interact: %v", err)
	}
}

// TestTerminalIsGivenBack ends the program by a signal in the middle of a line; the
// terminal must be as before.
func TestTerminalIsGivenBack(t *testing.T) {
	client := manage.NewClient(startDaemon(t))
	defer client.Close()
	s, slave := openTerminal(t)
	before, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- interact(ctx, client, slave, slave) }()
	s.waits("<Tandem>")
	s.types("display v", "display v")
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("interact: %v", err)
	}
	after, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("terminal modes %+v, were %+v (%v)", after, before, err)
	}
}
