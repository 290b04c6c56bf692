package console

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tandem/internal/config"
	"tandem/internal/journal"
)

// drawText draws a configuration text without errors, in a random layout: with # between
// sections or without, indented by spaces or tabs, with comments.
func drawText(t *rapid.T) string {
	sections := map[string][]string{
		"interface Eth-Trunk20":    {"mld enable", "e-trunk 7", "remote-backup-profile p1", "description a|b # c", "mld version 1"},
		"interface eth1":           {"mld proxy", "ipv6 address 2001:db8::1/64", "description it is \"quoted\""},
		"e-trunk 7":                {"priority 9", "security-key cipher plain|bar", "description undo # return"},
		"e-trunk 8":                {"priority 8", "timer revert delay 10"},
		"remote-backup-profile p1": {"service-type mld", "peer-backup hot", "e-trunk 7 eth-trunk 20"},
		"remote-backup-service s1": {"peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1 port 7100", "retention 90"},
		"mld":                      {"timer query 60"},
		"bfd b1 bind peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1": {"discriminator local 1", "wtr 3"},
		"multicast ipv6 routing-enable":                             nil,
		"sysname X":                                                 nil,
	}
	heads := rapid.Permutation(slices.Sorted(maps.Keys(sections))).Draw(t, "heads")
	indent := rapid.SampledFrom([]string{" ", "  ", "\t", " \t"}).Draw(t, "indent")
	var b strings.Builder
	for _, head := range heads[:rapid.IntRange(0, len(heads)).Draw(t, "sections")] {
		lines := rapid.Permutation(sections[head]).Draw(t, "lines")
		lines = lines[:rapid.IntRange(0, len(lines)).Draw(t, "count")]
		// A section without lines can only be ended by #.
		if len(lines) == 0 || rapid.Bool().Draw(t, "hash") {
			b.WriteString("#\n")
		}
		b.WriteString(head + "\n")
		for _, line := range lines {
			b.WriteString(rapid.SampledFrom([]string{"", "", "! a comment\n", "# another\n", "\n"}).Draw(t, "between"))
			b.WriteString(indent + line + rapid.SampledFrom([]string{"", " ", "\r"}).Draw(t, "end") + "\n")
		}
		if len(lines) == 0 {
			b.WriteString("#\n")
		}
	}
	return b.String()
}

// offline returns a session of a device that accepts everything.
func offline(store *config.Store, level Level) *Session {
	sys := &System{Backend: nowhere{}, Store: store, Journal: journal.New(slog.DiscardHandler)}
	return sys.NewSession(Login{User: "test", Level: level})
}

// typeText types a text into a new device and returns the committed configuration.
func typeText(t *rapid.T, store *config.Store, text string) *config.Model {
	s := offline(store, Configuration)
	s.Exec("system-view")
	for line := range strings.Lines(text) {
		if r := s.Exec(strings.TrimSuffix(line, "\n")); r.Err != nil {
			t.Fatalf("%q: %s", line, r.Output)
		}
	}
	return s.candidate.Model
}

// TestOneMeaning enters the same text in every possible way; the result must be the same.
func TestOneMeaning(t *testing.T) {
	store := newTestStore(t)
	file := filepath.Join(t.TempDir(), "text")
	rapid.Check(t, func(t *rapid.T) {
		text := drawText(t)
		write := func(m *config.Model) string { return strings.Join(config.Write(m, store.Keys()), "\n") }
		parsed, err := config.Parse(text, store.Keys())
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		want := write(parsed)
		if diff := cmp.Diff(want, write(typeText(t, store, text))); diff != "" {
			t.Fatalf("%s\ntyped (-read +typed):\n%s", text, diff)
		}
		for _, script := range []string{text, "system-view\n" + text + "commit\n"} {
			checked, findings, err := Check(script)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range findings {
				if f.Line > 0 && strings.Contains(f.Problem, "ecognized") {
					t.Fatalf("check of\n%s\n%v", script, f)
				}
			}
			opaque, err := config.Parse(text, config.OpaqueKeyring())
			if err != nil {
				t.Fatal(err)
			}
			if script == text || !hasErrors(findings) {
				if diff := cmp.Diff(config.Write(opaque, config.OpaqueKeyring()), config.Write(checked, config.OpaqueKeyring())); diff != "" {
					t.Fatalf("%s\nchecked (-read +checked):\n%s", script, diff)
				}
			}
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := offline(store, Configuration)
		s.Exec("system-view")
		compared := s.Exec("load configuration replace " + file + " | compare")
		if s.Pending() || compared.Err != nil {
			t.Fatalf("comparing changes: %+v", compared)
		}
		if r := s.Exec("load configuration replace " + file); r.Err != nil {
			t.Fatalf("%s\n%s", text, r.Output)
		}
		if diff := cmp.Diff(want, write(s.candidate.Model)); diff != "" {
			t.Fatalf("%s\nloaded (-read +loaded):\n%s", text, diff)
		}
		changes := strings.Join(s.candidate.Changes(), "\n")
		if shown := strings.TrimSuffix(compared.Output, "\n"); shown != changes && changes != "" {
			t.Fatalf("compare shows\n%s\nand the candidate has\n%s", shown, changes)
		}
		// Loading the printed text gives the same text again.
		if r := s.Load(want, true, false); r.Err != nil || write(s.candidate.Model) != want {
			t.Fatalf("%s\nprinted and loaded: %s\n%s", want, r.Output, write(s.candidate.Model))
		}
	})
}

func hasErrors(findings []Finding) bool {
	for _, f := range findings {
		if !f.Warning {
			return true
		}
	}
	return false
}

// TestLoadIsWhole loads texts with wrong lines. The error must name all of them, and
// nothing may change. The text of a procedure is loaded as a whole, too.
func TestLoadIsWhole(t *testing.T) {
	store := newTestStore(t)
	s := offline(store, Configuration)
	for _, line := range []string{"system-view", "e-trunk 1", "priority 3"} {
		s.Exec(line)
	}
	before := config.Write(s.candidate.Model, store.Keys())
	r := s.Load("e-trunk 65\n priority 5\n#\ne-trunk 2\n priority 300\n prioritx\nsysname Y\n", false, false)
	want := `Error: line 1: Wrong parameter (e-trunk-id: 65 is outside 1..64)
Error: line 5: Wrong parameter (priority: 300 is outside 1..254)
Error: line 6: Unrecognized command
Error: nothing is loaded
`
	if diff := cmp.Diff(want, r.Output); diff != "" || r.Err == nil {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, config.Write(s.candidate.Model, store.Keys())); diff != "" {
		t.Errorf("a refused text has changed (-before +after):\n%s", diff)
	}
	if r := s.Load("system-view\ne-trunk 1\npriority 5\nquit\nsysname Y\ncommit\nsystem-view\ne-trunk 2\nreturn\n", false, true); r.Output != "+ sysname Y\n  e-trunk 1\n-  priority 3\n+  priority 5\n+ e-trunk 2\n" {
		t.Errorf("compare shows\n%s", r.Output)
	}
	if r := s.Load(strings.Repeat("x\n", 30), true, false); strings.Count(r.Output, "\n") != 22 || !strings.Contains(r.Output, "and 10 lines more") {
		t.Errorf("30 wrong lines: %s", r.Output)
	}
	if r := s.Load(fmt.Sprintf("%s\n", strings.Join(before, "\n")), true, true); r.Output != "Info: that would change nothing\n" {
		t.Errorf("compare with itself: %s", r.Output)
	}
	looking := offline(store, Monitoring)
	if r := looking.Load("sysname Z\n", true, false); r.Err == nil || looking.candidate != nil {
		t.Errorf("who may only look has loaded: %+v", r)
	}
}
