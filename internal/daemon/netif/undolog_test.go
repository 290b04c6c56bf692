package netif

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestUndoLog: a daemon after one that died knows what that one has done to links.
func TestUndoLog(t *testing.T) {
	dir := t.TempDir()
	r, err := readUndoLog(dir)
	if err != nil || r.holdsTrunks() || r.holdsVRFs() {
		t.Fatalf("%+v, %v", r, err)
	}
	r.Created["eth-trunk10"] = 7
	r.Ports["up0"] = undoPort{Bond: "eth-trunk10", Up: true}
	r.Bound["up1"] = "red"
	r.Actors["eth-trunk11"] = LACPSystem{Priority: 1, System: [6]byte{2}}
	if err := r.save(); err != nil {
		t.Fatal(err)
	}
	got, err := readUndoLog(dir)
	if err != nil || !got.holdsTrunks() || !got.holdsVRFs() {
		t.Errorf("%+v, %v", got, err)
	}
	if diff := cmp.Diff(r, got, cmpopts.IgnoreUnexported(undoLog{})); diff != "" {
		t.Error(diff)
	}
	file := filepath.Join(dir, undoLogFile)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := r.save(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("written again without a change")
	}
}

// TestBrokenUndoLog: a file that cannot be read is reported, and the daemon can still write the
// log.
func TestBrokenUndoLog(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, undoLogFile), []byte(`{"Created":{"eth-trunk10":7},"Ports":[]`), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := readUndoLog(dir)
	if err == nil {
		t.Error("no error")
	}
	r.Ports["up0"] = undoPort{}
	if err := r.save(); err != nil {
		t.Error(err)
	}
}
