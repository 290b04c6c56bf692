package daemon

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"tandem/internal/daemon/bfdsession"
	"tandem/internal/etrunk"
	"tandem/internal/linux/inherit"
)

// left returns what a daemon hands over: its checkpoint and another file.
func left(t *testing.T, c checkpoint) (inherit.Files, *os.File) {
	t.Helper()
	memory, err := c.write()
	if err != nil {
		t.Fatal(err)
	}
	other, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	return inherit.Files{{Name: checkpointFile, File: memory}, {Name: rbsFile, File: other}}, other
}

func isOpen(f *os.File) bool {
	_, err := f.Stat()
	return !errors.Is(err, os.ErrClosed)
}

func TestPredecessor(t *testing.T) {
	files, other := left(t, checkpoint{
		Version: HandOverVersion, Origin: time.Minute, BFD: bfdsession.State{Told: map[string]etrunk.BFDState{"s": etrunk.BFDUp}},
	})
	p, err := readPredecessor(files)
	if err != nil || !p.exists() || p.Origin != time.Minute || p.BFD.Told["s"] != etrunk.BFDUp || len(p.files) != 1 || !isOpen(other) {
		t.Fatalf("%+v, %v, other file open: %v", p, err, isOpen(other))
	}
	if p.forget(); p.exists() || isOpen(other) || p.BFD.Told != nil {
		t.Errorf("forgotten: %+v, other file open: %v", p, isOpen(other))
	}
}

// TestPredecessorOfNoUse: files that cannot be used are closed, and the daemon starts
// without them.
func TestPredecessorOfNoUse(t *testing.T) {
	files, other := left(t, checkpoint{Version: HandOverVersion - 1})
	if p, err := readPredecessor(files); p.exists() || err == nil || !strings.Contains(err.Error(), "version") || isOpen(other) {
		t.Errorf("another version: %+v, %v, other file open: %v", p, err, isOpen(other))
	}
	if p, err := readPredecessor(nil); p.exists() || err != nil {
		t.Errorf("nothing: %+v, %v", p, err)
	}
	files, other = left(t, checkpoint{Version: HandOverVersion})
	if p, err := readPredecessor(files[1:]); p.exists() || err != nil || isOpen(other) {
		t.Errorf("no checkpoint: %+v, %v, other file open: %v", p, err, isOpen(other))
	}
	damaged, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	files[0].File, files[1].File = damaged, other
	if p, err := readPredecessor(files); p.exists() || err == nil {
		t.Errorf("damaged: %+v, %v", p, err)
	}
}
