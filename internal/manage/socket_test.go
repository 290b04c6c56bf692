package manage

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tandem/internal/console/consoletest"
	"tandem/internal/journal"
)

// TestSocketIsMadeAgain removes the socket, then its directory, while a daemon serves.
func TestSocketIsMadeAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	path := filepath.Join(dir, "console.sock")
	socket, err := NewSocket(path, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	j := journal.New(slog.DiscardHandler)
	go func() { _ = Serve(t.Context(), socket, consoletest.NewSystem(t), j) }()
	go func() { _ = socket.Keep(t.Context(), j) }()
	for _, gone := range []string{path, dir} {
		if err := os.RemoveAll(gone); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(30 * time.Second)
		for {
			c := NewClient(path)
			_, err := c.Open(t.Context(), false)
			c.Close()
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("without %s: %v", gone, err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	f, err := socket.File()
	if err != nil {
		t.Fatal(err)
	}
	next, err := NewSocket(path, "", f)
	if err != nil {
		t.Fatal(err)
	}
	if remade, err := next.Remake(); remade || err != nil {
		t.Errorf("a socket that is there is made again: %v", err)
	}
	if err := next.Close(); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("unix", path); err == nil {
		t.Error("a socket that is closed is still there")
	}
	if remade, err := next.Remake(); remade || err != nil {
		t.Errorf("a socket that was closed is made again: %v", err)
	}
}
