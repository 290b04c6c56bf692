package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestMeanwhile: two sessions begin with the same configuration. The second commits after
// the first.
func TestMeanwhile(t *testing.T) {
	base := []string{"sysname A", "e-trunk 1", "priority 10", "description old", "quit", "e-trunk 2", "interface eth0", "ipv6 address 2001:db8::1/64"}
	for _, c := range []struct {
		name          string
		first, second []string
		conflict      string   // empty if the commit succeeds
		running       []string // lines of the final configuration, after a refresh if there was a conflict
		gone          []string
	}{
		{"different settings", []string{"e-trunk 1", "priority 9"}, []string{"sysname B"}, "", []string{"sysname B", " priority 9"}, nil},
		{"different settings of one object", []string{"e-trunk 1", "priority 9"}, []string{"e-trunk 1", "description new"}, "",
			[]string{" priority 9", " description new"}, []string{" description old"}},
		{"the same setting", []string{"e-trunk 1", "priority 9"}, []string{"e-trunk 1", "priority 8"},
			"e-trunk 1: committed meanwhile: priority 9; the candidate: priority 8", []string{" priority 8"}, []string{" priority 9"}},
		{"the same setting, never set before", []string{"e-trunk 2", "priority 9"}, []string{"e-trunk 2", "priority 8"},
			"e-trunk 2: committed meanwhile: priority 9; the candidate: priority 8", []string{" priority 8"}, []string{" priority 9"}},
		{"the same value", []string{"e-trunk 1", "priority 9"}, []string{"e-trunk 1", "priority 9", "description new"}, "",
			[]string{" priority 9", " description new"}, nil},
		{"undone and changed", []string{"e-trunk 1", "undo description"}, []string{"e-trunk 1", "description new"},
			"e-trunk 1: committed meanwhile: nothing; the candidate: description new", []string{" description new"}, nil},
		{"more of a list", []string{"interface eth0", "ipv6 address 2001:db8::2/64"}, []string{"interface eth0", "ipv6 address 2001:db8::3/64"}, "",
			[]string{" ipv6 address 2001:db8::1/64", " ipv6 address 2001:db8::2/64", " ipv6 address 2001:db8::3/64"}, nil},
		{"more and less of a list", []string{"interface eth0", "ipv6 address 2001:db8::2/64"}, []string{"interface eth0", "undo ipv6 address 2001:db8::1/64"}, "",
			[]string{" ipv6 address 2001:db8::2/64"}, []string{" ipv6 address 2001:db8::1/64"}},
		{"changed and removed", []string{"e-trunk 1", "priority 9"}, []string{"undo e-trunk 1"},
			"e-trunk 1: changed meanwhile, and the candidate removes it", nil, []string{"e-trunk 1"}},
		{"removed and changed", []string{"undo e-trunk 1"}, []string{"e-trunk 1", "priority 9"},
			"e-trunk 1: removed meanwhile, and the candidate changes it", []string{"e-trunk 1", " priority 9", " description old"}, nil},
		{"removed and looked at", []string{"undo e-trunk 1"}, []string{"e-trunk 1", "quit", "sysname B"}, "", []string{"sysname B"}, []string{"e-trunk 1"}},
		{"both removed", []string{"undo e-trunk 1"}, []string{"undo e-trunk 1", "sysname B"}, "", []string{"sysname B"}, []string{"e-trunk 1"}},
		{"made twice", []string{"e-trunk 3", "priority 9"}, []string{"e-trunk 3", "description mine"}, "",
			[]string{"e-trunk 3", " priority 9", " description mine"}, nil},
		{"access lists", []string{"acl ipv6 number 2000", "rule 5 permit source ff3e::/16"}, []string{"acl ipv6 number 2000", "rule 5 deny source ff3e::/16"},
			"acl ipv6 number 2000: committed meanwhile: rule 5 permit source ff3e::/16; the candidate: rule 5 deny source ff3e::/16",
			[]string{" rule 5 deny source ff3e::/16"}, nil},
		{"the MLD view", []string{"mld", "timer query 60"}, []string{"mld", "timer query 30"},
			"mld: committed meanwhile: timer query 60; the candidate: timer query 30", []string{" timer query 30"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openStore(t, t.TempDir())
			prepare := s.Begin()
			edit(t, prepare, base...)
			commit(t, s, prepare)
			a, b := s.Begin(), s.Begin()
			edit(t, a, c.first...)
			edit(t, b, c.second...)
			other := commit(t, s, a)
			_, err := s.Commit(b, CommitOptions{}, accept)
			var conflict *ConflictError
			switch errors.As(err, &conflict) {
			case true:
				if diff := cmp.Diff([]string{c.conflict}, conflict.Conflicts); diff != "" {
					t.Fatal(diff)
				}
				if len(conflict.Commits) != 1 || conflict.Commits[0] != other || !b.Changed() {
					t.Errorf("commits %v, changed %v", conflict.Commits, b.Changed())
				}
				if err := b.Refresh(); !errors.As(err, &conflict) || len(conflict.Conflicts) != 1 {
					t.Errorf("refresh says %v", err)
				}
				if _, err := s.Commit(b, CommitOptions{}, accept); err != nil {
					t.Errorf("after a refresh: %v", err)
				}
			default:
				if err != nil || c.conflict != "" {
					t.Fatalf("%v, want the conflict %q", err, c.conflict)
				}
			}
			text := strings.Split(s.text(s.Running()), "\n")
			for _, line := range c.running {
				if !slices.Contains(text, line) {
					t.Errorf("%q is missing in\n%s", line, strings.Join(text, "\n"))
				}
			}
			for _, line := range c.gone {
				if slices.Contains(text, line) {
					t.Errorf("%q is still in\n%s", line, strings.Join(text, "\n"))
				}
			}
		})
	}
}

// TestMergeLosesNothing: for any changes of two sessions, each change is in the result or
// reported as a conflict. The order of their commits does not matter.
func TestMergeLosesNothing(t *testing.T) {
	base := newShell(t)
	rapid.Check(t, func(t *rapid.T) {
		s := &shell{newEditor(New(), base.keys), base.table}
		scribble(t, s, "before")
		from := s.Model.Clone()
		scribble(t, s, "mine")
		mine := s.Model.Clone()
		s.Model = from.Clone()
		scribble(t, s, "theirs")
		theirs := s.Model

		merged, conflicts, err := merge(from, mine, theirs, s.keys)
		if err != nil {
			return // reported as a conflict, and nothing is changed
		}
		other, others, err := merge(from, theirs, mine, s.keys)
		if err != nil || (len(conflicts) == 0) != (len(others) == 0) {
			t.Fatalf("one way %q, the other %q, %v", conflicts, others, err)
		}
		kept := func(side string, m *Model) {
			for _, change := range Diff(from, m, s.keys) {
				if change == "+ mld" || change == "- mld" {
					continue // the heading of an object that the other session has kept
				}
				if change[0] != ' ' && !slices.Contains(Diff(from, merged, s.keys), change) {
					t.Fatalf("the change %q of %s is lost; conflicts %q", change, side, conflicts)
				}
			}
		}
		if kept("mine", mine); len(conflicts) > 0 {
			return
		}
		kept("theirs", theirs)
		if !reflect.DeepEqual(merged, other) {
			t.Fatalf("it matters who is first: %s", cmp.Diff(Write(merged, s.keys), Write(other, s.keys)))
		}
	})
}

// scribble runs a few random commands.
func scribble(t *rapid.T, s *shell, who string) {
	for range rapid.IntRange(0, 8).Draw(t, who) {
		r := rapid.SampledFrom(rows).Draw(t, "row")
		syntax := r.syntax
		if rapid.IntRange(0, 3).Draw(t, "undo") == 0 {
			syntax = "undo " + r.undoSyntax()
		}
		s.View = SystemView
		if err := s.exec(openView(t, r.view)); err != nil {
			t.Fatal(err)
		}
		_ = s.exec(sampleLine(t, s, syntax)) // refused for the same reasons as in TestEditing
	}
	s.View = SystemView
}
