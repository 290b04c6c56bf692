package manage

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/console"
	"tandem/internal/console/consoletest"
	"tandem/internal/journal"
)

// serve runs a server until the test ends and returns its socket.
func serve(t *testing.T) string {
	t.Helper()
	return serveWith(t, journal.New(slog.DiscardHandler))
}

func serveWith(t *testing.T, j *journal.Journal) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "run", "console.sock")
	l, err := Listen(socket, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, consoletest.NewSystem(t), j) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return socket
}

func open(t *testing.T, socket string) *Session {
	t.Helper()
	c := NewClient(socket)
	t.Cleanup(c.Close)
	s, err := c.Open(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func exec(t *testing.T, s *Session, line string) Reply {
	t.Helper()
	reply, err := s.Exec(t.Context(), line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return reply
}

func TestSessionOverTheSocket(t *testing.T) {
	s := open(t, serve(t))
	if s.Prompt != "<Tandem>" {
		t.Errorf("first prompt %q", s.Prompt)
	}
	if r := exec(t, s, "display version"); r.Failed || !strings.Contains(r.Output, "Device-ID") {
		t.Errorf("display version: %+v", r)
	}
	if r := exec(t, s, "nonsense"); !r.Failed || !strings.Contains(r.Output, "Error: Unrecognized command found at '^' position.") {
		t.Errorf("nonsense: %+v", r)
	}
	exec(t, s, "system-view")
	if r := exec(t, s, "e-trunk 1"); r.Prompt != "[*Tandem-e-trunk-1]" || !r.Pending {
		t.Errorf("e-trunk 1: %+v", r)
	}
	if r := exec(t, s, "return"); !r.Question {
		t.Errorf("return asks nothing: %+v", r)
	}
	if r := exec(t, s, "n"); r.Prompt != "<Tandem>" || r.Pending {
		t.Errorf("answer no: %+v", r)
	}
	if r := exec(t, s, "quit"); !r.Closed {
		t.Errorf("quit: %+v", r)
	}
	if _, err := s.Exec(t.Context(), "display version"); err == nil || !strings.Contains(err.Error(), "no such session") {
		t.Errorf("a line after quit: %v", err)
	}
}

// TestPollingLeavesTheBufferAlone: programs that poll cause no events that push others out
// of the log buffer.
func TestPollingLeavesTheBufferAlone(t *testing.T) {
	j := journal.New(slog.DiscardHandler)
	socket := serveWith(t, j)
	for range 20 {
		c := NewClient(socket)
		s, err := c.Open(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		exec(t, s, "display version")
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	if book := j.Book(); book.Len() > 0 {
		t.Errorf("%d polls leave %d entries, such as %+v", 20, book.Len(), book.Recent(1))
	}
	open(t, socket)
	if book := j.Book(); book.Len() != 1 {
		t.Errorf("a person's session leaves %d entries", book.Len())
	}
}

func TestCompletionOverTheSocket(t *testing.T) {
	s := open(t, serve(t))
	for line, want := range map[string]string{
		"sys":               "system-view ",
		"display ver":       "display version ",
		"display version|j": "display version|json ",
		"display remote-b":  "display remote-backup-",
	} {
		c, err := s.Complete(t.Context(), line)
		if err != nil || c.Expanded != want || len(c.Candidates) == 0 {
			t.Errorf("%q: %+v, %v; want %q", line, c, err, want)
		}
	}
	if c, err := s.Complete(t.Context(), "nonsense "); err != nil || c.Error == "" {
		t.Errorf("nonsense: %+v, %v", c, err)
	}
}

func TestSessionsAreApart(t *testing.T) {
	socket := serve(t)
	a, b := open(t, socket), open(t, socket)
	exec(t, a, "system-view")
	if r := exec(t, b, ""); r.Prompt != "<Tandem>" {
		t.Errorf("the other session is at %q", r.Prompt)
	}
}

func TestSessionOfAnotherUser(t *testing.T) {
	ss := newSessions(consoletest.NewSystem(t))
	id, _, err := ss.open(peer{UID: 1}, false, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	err = ss.use(id, peer{UID: 2}, time.Now(), func(*console.Session) { t.Error("used") })
	if !errors.Is(err, errNoSession) {
		t.Errorf("got %v", err)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	ss := newSessions(consoletest.NewSystem(t))
	now := time.Now()
	for range maxSessions {
		if _, _, err := ss.open(peer{}, false, now); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := ss.open(peer{}, false, now); err == nil {
		t.Error("one more than the bound was opened")
	}
	if _, _, err := ss.open(peer{}, false, now.Add(2*idleLimit)); err != nil {
		t.Errorf("idle sessions stay: %v", err)
	}
}

func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.sock")
	first, err := Listen(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v", info.Mode(), err)
	}
	if _, err := Listen(path, ""); !errors.Is(err, ErrInUse) {
		t.Errorf("second daemon: %v, want ErrInUse", err)
	}
	// A daemon that was killed leaves its socket behind.
	first.(*net.UnixListener).SetUnlinkOnClose(false)
	first.Close()
	again, err := Listen(path, "")
	if err != nil {
		t.Fatalf("stale socket: %v", err)
	}
	again.Close()
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, ""); err == nil || errors.Is(err, ErrInUse) {
		t.Errorf("a file in the way: %v", err)
	}
}

func TestNoDaemon(t *testing.T) {
	c := NewClient(filepath.Join(t.TempDir(), "nobody.sock"))
	if _, err := c.Open(t.Context(), false); err == nil || !strings.Contains(err.Error(), "is tandemd running?") {
		t.Errorf("got %v", err)
	}
}
