package console

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"tandem/internal/config"
	"tandem/internal/journal"
)

// audited returns a device whose log the test can read.
func audited(t *testing.T) (*System, *strings.Builder) {
	var log strings.Builder
	// The log has the level error; audit events are logged whatever the level.
	handler := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})
	return &System{Backend: newFakeRouter(selfID, "2001:db8::1"), Store: newTestStore(t), Journal: journal.New(handler)}, &log
}

func TestAudit(t *testing.T) {
	sys, log := audited(t)
	s := sys.NewSession(Login{User: "ann", Source: "ssh 2001:db8::9", Level: Configuration, Interactive: true})
	for _, c := range []struct{ line, command, result string }{
		{"display version | include Go", "display version | include Go", "done"},
		{"", "", ""},
		{"# a comment", "", ""},
		{"sys", "sys", "done"},
		{"e-trunk 1", "e-trunk 1", "done"},
		{"sec simple Clear-1", "sec simple ******", "done"},
		{"security-key cipher Clear-1", "security-key cipher ******", "done"},
		{"security-key cipher %^%#AAAA%^%#", "security-key cipher ******", "refused: security-key: the cipher text was made by another device or is damaged; give the key itself"},
		{"security-kye simple Clear-1", "(not understood)", "Unrecognized command"},
		{"security-key simple Clear-1 Clear-1", "(not understood)", "Too many parameters"},
		{"priority Clear-1", "(not understood)", "Wrong parameter"},
		{"security-key cipher Clear-1 | include Clear-1", "(not understood)", "Too many parameters"},
		{"return", "return", "done"},
		{"no", "no", "done"},
	} {
		log.Reset()
		prompt := s.Prompt()
		s.Exec(c.line)
		got := log.String()
		if strings.Contains(got, "Clear-1") {
			t.Fatalf("%q: the key is in the log: %s", c.line, got)
		}
		if c.command == "" {
			if got != "" {
				t.Errorf("%q: %s", c.line, got)
			}
			continue
		}
		for _, want := range []string{"CMDRECORD", "User=ann", `Source="ssh 2001:db8::9"`, prompt, c.command, c.result} {
			if !strings.Contains(got, want) {
				t.Errorf("%q: %q is missing in %s", c.line, want, got)
			}
		}
	}
	for i := range 100 {
		if log.Reset(); s.Exec("display version").Err != nil || log.Len() == 0 {
			t.Fatalf("line %d is left out", i)
		}
	}
}

// TestSecretsAreHidden sets a key and searches for it in everything that is displayed or
// stored: each display as text and as JSON, completions, errors, the log and the store's
// text.
func TestSecretsAreHidden(t *testing.T) {
	const key = "Clear-Text-1"
	sys, log := audited(t)
	s := sys.NewSession(Login{User: "ann", Source: "console", Level: Configuration})
	var seen strings.Builder
	run := func(line string) Result {
		r := s.Exec(line)
		seen.WriteString(r.Output + r.Prompt)
		if r.Err != nil {
			seen.WriteString(r.Err.Error())
		}
		return r
	}
	must := func(lines ...string) {
		t.Helper()
		for _, line := range lines {
			if r := run(line); r.Err != nil {
				t.Fatalf("%q: %v", line, r.Err)
			}
		}
	}
	must("system-view", "e-trunk 1", "security-key simple "+key, "display this", "display configuration candidate changes", "commit label one")
	must("undo security-key", "security-key cipher "+key, "commit", "return", "save")
	for seed := range uint64(20) {
		for _, c := range allCommands() {
			if strings.HasPrefix(c.Syntax, displayWord+" ") {
				line := strings.ReplaceAll(sampleLine(t, c, seed), "\t", " ")
				run(line)
				run(line + " | json")
			}
		}
	}
	must("compare configuration", "rollback configuration to label one")

	// The displayed cipher text can be entered again and gives the same key.
	_, rest, _ := strings.Cut(run("display current-configuration").Output, " security-key cipher ")
	shown, _, _ := strings.Cut(rest, "\n")
	if !strings.HasPrefix(shown, "%^%#") || !strings.HasSuffix(shown, "%^%#") {
		t.Fatalf("the key is shown as %q", shown)
	}
	must("system-view", "e-trunk 2", "security-key cipher "+shown, "commit")
	if m := sys.Store.Running(); m.ETrunks[2].Key != m.ETrunks[1].Key || string(m.ETrunks[2].Key.Reveal()) != key {
		t.Error("the cipher text pasted back is another key")
	}
	facts, err := json.Marshal(sys.Store.Running())
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"the screen": seen.String(), "the log": log.String(), "a model as JSON": string(facts),
		"the text": strings.Join(config.Write(sys.Store.Running(), sys.Store.Keys()), "\n")} {
		if strings.Contains(text, key) {
			t.Errorf("%s has the key in clear", where)
		}
	}
}
