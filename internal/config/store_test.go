package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tandem/internal/command"
)

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// edit runs lines on a candidate.
func edit(t *testing.T, c *Candidate, lines ...string) {
	t.Helper()
	table, err := command.New(Vocabulary(), Commands(func(c *Candidate) *Editor { return c.Editor }))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if line == "quit" { // a command of the console, not of this package
			c.View = SystemView
			continue
		}
		m, err := table.Match(c.View.Chain(), line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if err := m.Run(c); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
}

func accept(*Model) error { return nil }

func by(user string) CommitOptions { return CommitOptions{PointInfo: PointInfo{User: user}} }

func commit(t *testing.T, s *Store, c *Candidate) Point {
	t.Helper()
	out, err := s.Commit(c, by("tester"), accept)
	if err != nil {
		t.Fatal(err)
	}
	return out.Point
}

func TestCommitIsDurable(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	c := s.Begin()
	if c.Changed() {
		t.Error("a fresh candidate is changed")
	}
	edit(t, c, "sysname A", "e-trunk 1", "security-key simple Secret1")
	if !c.Changed() || s.Running().SysName != defaultSysName {
		t.Error("an edit is not kept apart from what is running")
	}
	var applied *Model
	info := PointInfo{User: "root", Source: "console", Label: "first", Description: "a test"}
	out, err := s.Commit(c, CommitOptions{PointInfo: info}, func(m *Model) error { applied = m; return nil })
	point := out.Point
	if err != nil || point.ID != firstPoint || point.PointInfo != info || len(out.Warnings) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	if applied != s.Running() || applied.SysName != "A" || c.Changed() || c.View != (View{ViewETrunk, "1"}) {
		t.Errorf("applied %v, changed %v, view %v", applied, c.Changed(), c.View)
	}
	if out, err := s.Commit(c, CommitOptions{}, func(*Model) error { return errors.New("called") }); err != nil || out.Point.ID != 0 {
		t.Errorf("a commit of nothing: %+v, %v", out, err)
	}
	again := openStore(t, dir)
	if diff := cmp.Diff(s.text(s.Running()), again.text(again.Running())); diff != "" {
		t.Error(diff)
	}
	if string(again.Running().ETrunks[1].Key.Reveal()) != "Secret1" {
		t.Error("the key is lost")
	}
	if diff := cmp.Diff([]Point{point}, again.Points()); diff != "" {
		t.Error(diff)
	}
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, _ error) error {
		text, _ := os.ReadFile(path)
		if strings.Contains(string(text), "Secret1") {
			t.Errorf("%s has the key in clear", path)
		}
		if info, err := entry.Info(); err == nil && entry.Type().IsRegular() && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
}

func TestRollback(t *testing.T) {
	s := openStore(t, t.TempDir())
	c := s.Begin()
	edit(t, c, "sysname A")
	first := commit(t, s, c)
	edit(t, c, "sysname B", "e-trunk 1", "priority 3")
	commit(t, s, c)
	out, err := s.Rollback(first.ID, PointInfo{}, accept)
	if err != nil {
		t.Fatal(err)
	}
	if c.Follow(); c.View != SystemView {
		t.Errorf("view %v of a removed E-Trunk", c.View)
	}
	third := out.Point
	if third.ID != first.ID+2 || s.Running().SysName != "A" || len(s.Running().ETrunks) != 0 {
		t.Errorf("commit %d, running %+v", third.ID, s.Running())
	}
	if _, err := s.Load(7); !errors.Is(err, ErrNoPoint) {
		t.Errorf("commit 7: %v", err)
	}
}

func TestRefusedCommits(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	before := s.Running()
	c := s.Begin()
	edit(t, c, "remote-backup-profile p", "backup-id 1 remote-backup-service nobody")
	var invalid *InvalidError
	never := func(*Model) error { t.Error("applied"); return nil }
	if _, err := s.Commit(c, CommitOptions{}, never); !errors.As(err, &invalid) || len(invalid.Problems) != 1 {
		t.Errorf("an invalid model: %v", err)
	}
	if !c.Changed() {
		t.Error("a refused candidate is lost")
	}
	c.Clear()
	if c.Changed() || c.View != SystemView {
		t.Error("Clear leaves changes")
	}

	edit(t, c, "sysname A")
	cause := errors.New("no such device")
	if _, err := s.Commit(c, CommitOptions{}, func(*Model) error { return cause }); !errors.Is(err, cause) {
		t.Errorf("a commit that fails to apply: %v", err)
	}
	if entries, _ := os.ReadDir(filepath.Join(dir, "commits")); len(entries) != 0 {
		t.Errorf("it leaves %v", entries)
	}

	if err := os.RemoveAll(filepath.Join(dir, "commits")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(c, CommitOptions{}, never); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a commit that cannot be written: %v", err)
	}
	if s.Running() != before {
		t.Error("a refused commit is running")
	}
}

// A commit was applied, but its file cannot be renamed. It is undone.
func TestCommitTakenBack(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	before := s.Running()
	c := s.Begin()
	edit(t, c, "sysname A")
	var applied []string
	_, err := s.Commit(c, CommitOptions{}, func(m *Model) error {
		applied = append(applied, m.SysName)
		return os.RemoveAll(filepath.Join(dir, "commits"))
	})
	if err == nil || s.Running() != before {
		t.Errorf("error %v, running %v", err, s.Running().SysName)
	}
	if diff := cmp.Diff([]string{"A", defaultSysName}, applied); diff != "" {
		t.Error(diff)
	}
}

func TestTwoCandidates(t *testing.T) {
	s := openStore(t, t.TempDir())
	a, b := s.Begin(), s.Begin()
	edit(t, a, "sysname A", "e-trunk 1", "priority 3")
	edit(t, b, "e-trunk 2", "priority 4")
	commit(t, s, a)
	commit(t, s, b)
	if m := s.Running(); m.SysName != "A" || m.ETrunks[1].Priority != 3 || m.ETrunks[2].Priority != 4 {
		t.Errorf("running\n%s", s.text(m))
	}
	if b.View != (View{ViewETrunk, "2"}) {
		t.Errorf("view %v", b.View)
	}

	a.Clear()
	b.Clear()
	edit(t, a, "undo e-trunk 2")
	edit(t, b, "sysname B")
	b.View = View{ViewETrunk, "2"}
	edit(t, b, "priority 9")
	commit(t, s, a)
	if _, err := s.Commit(b, CommitOptions{}, accept); !errors.Is(err, ErrConflict) {
		t.Errorf("a candidate that edits what was removed: %v", err)
	}
	if !b.Changed() || b.Model.ETrunks[2].Priority != 9 {
		t.Error("the refused candidate is lost")
	}
}

func TestDamagedFiles(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	c := s.Begin()
	edit(t, c, "sysname A")
	commit(t, s, c)
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	edit(t, c, "sysname B")
	second := commit(t, s, c)

	// A damaged commit file, which an interrupted commit does not leave.
	text, _ := os.ReadFile(s.path(second.ID))
	if err := os.WriteFile(s.path(second.ID), text[:10], 0o600); err != nil {
		t.Fatal(err)
	}
	// The file that an interrupted commit leaves.
	if err := os.WriteFile(filepath.Join(dir, "commits", ".new-1"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := openStore(t, dir)
	if again.Running().SysName != "A" || len(again.Damage()) != 1 {
		t.Errorf("running %s, damage %v", again.Running().SysName, again.Damage())
	}
	c = again.Begin()
	edit(t, c, "sysname C")
	if point := commit(t, again, c); point.ID != second.ID+1 {
		t.Errorf("commit %d over the damaged %d", point.ID, second.ID)
	}

	for _, point := range again.Points() {
		if err := os.WriteFile(s.path(point.ID), []byte("frob"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if again = openStore(t, dir); again.Running().SysName != "A" {
		t.Errorf("the saved configuration is not used: %s", again.Running().SysName)
	}
	if err := os.WriteFile(again.savedPath(), []byte("frob"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "frob") {
		t.Errorf("a store with nothing to read opens: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "device.key"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "device key "+filepath.Join(dir, "device.key")) {
		t.Errorf("a short device key: %v", err)
	}
}

func TestSavedAndKeptPoints(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	if _, err := s.Saved(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("saved: %v", err)
	}
	c := s.Begin()
	for i := range keptPoints + 3 {
		edit(t, c, "sysname "+strings.Repeat("x", i+1))
		commit(t, s, c)
	}
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	if text, err := s.Saved(); err != nil || text != s.text(s.Running()) {
		t.Errorf("saved %q, %v", text, err)
	}
	points := openStore(t, dir).Points()
	if len(points) != keptPoints || points[0].ID != firstPoint+3 {
		t.Errorf("%d points from %d", len(points), points[0].ID)
	}
	if files, _ := os.ReadDir(filepath.Join(dir, "commits")); len(files) != keptPoints {
		t.Errorf("%d files", len(files))
	}
}
