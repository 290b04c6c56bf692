package config

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawModel makes a model by random edits.
func drawModel(t *rapid.T, base *shell) *Model {
	s := &shell{newEditor(New(), base.keys), base.table}
	for range rapid.IntRange(0, 30).Draw(t, "commands") {
		r := rapid.SampledFrom(rows).Draw(t, "row")
		s.View = SystemView
		if err := s.exec(openView(t, r.view)); err != nil {
			t.Fatal(err)
		}
		if line := sampleLine(t, s, r.syntax); s.exec(line) != nil {
			continue // a text that depends on other objects
		}
	}
	return s.Model
}

// edited removes random lines and whole sections from a text.
func edited(t *rapid.T, text []string) []string {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "edit"), 0))
	section := false
	return slices.DeleteFunc(slices.Clone(text), func(line string) bool {
		switch {
		case line == "#" || line == lastLine:
			return false
		case line[0] != ' ':
			section = r.IntN(6) == 0
			return section
		}
		return section || r.IntN(6) == 0
	})
}

// TestLoad writes, edits, compares and loads random models.
func TestLoad(t *testing.T) {
	base := newShell(t)
	store := openStore(t, t.TempDir())
	store.keys = base.keys
	rapid.Check(t, func(t *rapid.T) {
		one, other := drawModel(t, base), drawModel(t, base)
		c := store.Begin()
		c.Model = other
		text := Write(one, base.keys)
		if err := c.Load(strings.Join(text, "\n"), true); err != nil {
			t.Fatalf("%v of\n%s", err, strings.Join(text, "\n"))
		}
		if !reflect.DeepEqual(c.Model, one) {
			t.Fatalf("printed and loaded: %s", cmp.Diff(text, Write(c.Model, base.keys)))
		}
		if err := c.Load(strings.Join(text, "\n"), false); err != nil || len(Diff(one, c.Model, base.keys)) > 0 {
			t.Fatalf("loaded in addition to itself: %v, %q", err, Diff(one, c.Model, base.keys))
		}
		changed := strings.Join(edited(t, text), "\n")
		want, err := Parse(changed, base.keys)
		if err != nil {
			return // a heading that another section needs is missing
		}
		difference, err := c.Compare(changed, true)
		if err != nil || !slices.Equal(difference, Diff(one, want, base.keys)) {
			t.Fatalf("compare: %v, %s", err, cmp.Diff(difference, Diff(one, want, base.keys)))
		}
		if err := c.Load(changed, true); err != nil || !reflect.DeepEqual(c.Model, want) {
			t.Fatalf("edited and loaded: %v, %s", err, cmp.Diff(Write(want, base.keys), Write(c.Model, base.keys)))
		}
	})
}

func TestReadText(t *testing.T) {
	if _, err := ReadText(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
}
