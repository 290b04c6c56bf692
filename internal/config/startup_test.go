package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInterruptedCommit interrupts a commit after every byte that it writes.
func TestInterruptedCommit(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	c := s.Begin()
	edit(t, c, "sysname A")
	commit(t, s, c)
	edit(t, c, "sysname B", "e-trunk 1", "priority 3")
	second := commit(t, s, c)
	whole, err := os.ReadFile(s.path(second.ID))
	if err != nil {
		t.Fatal(err)
	}
	unfinished := filepath.Join(dir, "commits", ".new-7")
	for n := range len(whole) + 1 {
		// Under its temporary name, and under its final name, as after a disk that has lost
		// data which it had confirmed.
		for _, name := range []string{unfinished, s.path(second.ID)} {
			_ = os.Remove(s.path(second.ID))
			if err := os.WriteFile(name, whole[:n], 0o600); err != nil {
				t.Fatal(err)
			}
			want, damage := "A", 0
			if name != unfinished {
				damage = 1
				if n == len(whole) {
					want, damage = "B", 0
				}
			}
			again := openStore(t, dir)
			if got := again.Running().SysName; got != want || len(again.Damage()) != damage {
				t.Fatalf("%d of %d bytes in %s: running %s, damage %v", n, len(whole), name, got, again.Damage())
			}
			if _, err := os.Stat(unfinished); err == nil {
				t.Fatal("what was left over stays")
			}
		}
	}
}

// boots opens the store as in another boot of the machine.
func boots(t *testing.T, dir, boot string) *Store {
	t.Helper()
	s, err := open(dir, boot)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStartUp(t *testing.T) {
	dir := t.TempDir()
	s := boots(t, dir, "first")
	if !s.Fresh() {
		t.Error("a new store is not fresh")
	}
	c := s.Begin()
	edit(t, c, "sysname A")
	commit(t, s, c)
	if s = boots(t, dir, "second"); s.Running().SysName != "A" || s.Fresh() {
		t.Errorf("never saved, the machine starts with %s", s.Running().SysName)
	}
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	c = s.Begin()
	edit(t, c, "sysname B")
	commit(t, s, c)
	if s = boots(t, dir, "second"); s.Running().SysName != "B" {
		t.Errorf("the daemon starts with %s", s.Running().SysName)
	}
	for range 2 { // at the second time only the daemon restarts
		s = boots(t, dir, "third")
		points := s.Points()
		if s.Running().SysName != "A" || len(points) != 3 || points[2].User != "startup" {
			t.Errorf("the machine starts with %s, commits %v", s.Running().SysName, points)
		}
	}
	if out, err := s.Rollback(firstPoint+1, PointInfo{}, accept); err != nil || s.Running().SysName != "B" {
		t.Errorf("back to what was not saved: %+v, %v", out, err)
	}
	// Without commits, the saved configuration is used.
	if err := os.RemoveAll(filepath.Join(dir, "commits")); err != nil {
		t.Fatal(err)
	}
	if s = boots(t, dir, "third"); s.Running().SysName != "A" || s.Fresh() {
		t.Errorf("without commits it starts with %s", s.Running().SysName)
	}
}

func TestLabels(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	c := s.Begin()
	edit(t, c, "sysname A")
	if _, err := s.Commit(c, CommitOptions{PointInfo: PointInfo{Label: "good"}}, accept); err != nil {
		t.Fatal(err)
	}
	edit(t, c, "sysname B")
	if _, err := s.Commit(c, CommitOptions{PointInfo: PointInfo{Label: "Good"}}, accept); err == nil {
		t.Error("a label is given twice")
	}
	second := commit(t, s, c)
	if err := s.SetLabel(second.ID, "good"); err == nil || !strings.Contains(err.Error(), "1000000001") {
		t.Errorf("a label is set twice: %v", err)
	}
	if err := s.SetLabel(second.ID, "better"); err != nil {
		t.Fatal(err)
	}
	if err := s.SetLabel(firstPoint, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.SetLabel(7, "none"); err == nil {
		t.Error("a commit that does not exist has a label")
	}
	again := openStore(t, dir)
	if p, err := again.Labelled("better"); err != nil || p.ID != second.ID {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := again.Labelled("good"); err == nil || again.Running().SysName != "B" || len(again.Damage()) > 0 {
		t.Errorf("the old label %v, running %s, damage %v", err, again.Running().SysName, again.Damage())
	}
}
