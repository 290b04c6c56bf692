package console

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tandem/internal/command"
	"tandem/internal/config"
	"tandem/internal/golden"
	"tandem/internal/journal"
	"tandem/internal/state"
)

// promptForm matches the beginning of a typed line in a transcript: the prompt of a view,
// or the question when leaving.
var promptForm = regexp.MustCompile(`^(<[^>]*>|\[[~*]?[^\]]*\]|Warning: Changes [^\]]*\]:)(.*)$`)

// TestTranscripts types the input lines of the transcripts in testdata/transcript, and
// compares the output. A transcript is the screen of an operator, with lines of
// directions in between:
//
// A line that ends in a question mark asks for help.
//
//	## a            the lines that follow are typed on device A (or B)
//	## a script     the same in a session that is not interactive
//	## a monitor    the same by a user who may only use displays
//	## run 3s       virtual time passes
//	## join         host fe80::11 joins (2001:db8:5::1, ff3e::1) on Eth-Trunk10 of A
//	## refuse TEXT  the device refuses the commits that follow, for this reason
//	## anything else is a comment
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcript/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			typed, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, file, retype(t, string(typed)))
		})
	}
}

// stage is two devices, and the session into which the test types.
type stage struct {
	routers  map[string]*fakeRouter
	systems  map[string]*System
	sessions map[string]*Session
	now      *Session
}

func newStage(t *testing.T) *stage {
	a, b := newFakeRouter(selfID, "2001:db8::1"), newFakeRouter(peerID, "2001:db8::2")
	a.peer, b.peer = b, a
	st := &stage{routers: map[string]*fakeRouter{"a": a, "b": b}, systems: map[string]*System{}, sessions: map[string]*Session{}}
	for name, r := range st.routers {
		st.systems[name] = &System{Backend: r, Store: newTestStore(t), Build: state.Build{Version: "v0.1.0", Go: "go1.26"}, Journal: journal.New(slog.DiscardHandler)}
	}
	st.direct(t, "a")
	return st
}

// newTestStore returns an empty store with a fixed device key, so that cipher
// text is the same in every run.
func newTestStore(t *testing.T) *config.Store {
	t.Helper()
	dir := t.TempDir()
	key := bytes.Repeat([]byte{7}, config.KeySize)
	if err := os.WriteFile(filepath.Join(dir, "device.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := config.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func retype(t *testing.T, transcript string) string {
	st := newStage(t)
	var screen strings.Builder
	for line := range strings.Lines(transcript) {
		line = strings.TrimSuffix(line, "\n")
		if words, ok := strings.CutPrefix(line, "## "); ok {
			screen.WriteString(line + "\n")
			st.direct(t, words)
			continue
		}
		typed := promptForm.FindStringSubmatch(line)
		if typed == nil {
			continue
		}
		screen.WriteString(st.now.Prompt() + typed[2] + "\n")
		screen.WriteString(st.typed(typed[2]))
	}
	return screen.String()
}

// typed returns the output of a line. A question mark at its end, outside quotes,
// requests help, as on a terminal.
func (st *stage) typed(line string) string {
	asked, ok := strings.CutSuffix(line, "?")
	if !ok || strings.Count(asked, `"`)%2 == 1 {
		return st.now.Exec(line).Output
	}
	answer := st.now.Complete(asked)
	if answer.Error != "" {
		return answer.Error + "\n"
	}
	return command.HelpText(answer.Candidates)
}

// login returns the login for the sessions of a transcript.
func login(kind string) Login {
	l := Login{User: "admin", Source: "console", Level: Configuration, Interactive: kind != "script"}
	if kind == "monitor" {
		l.User, l.Level = "guest", Monitoring
	}
	return l
}

// direct carries out one line of directions.
func (st *stage) direct(t *testing.T, words string) {
	verb, rest, _ := strings.Cut(words, " ")
	switch verb {
	case "a", "b":
		if st.sessions[words] == nil {
			st.sessions[words] = st.systems[verb].NewSession(login(rest))
		}
		st.now = st.sessions[words]
	case "run":
		d, err := time.ParseDuration(rest)
		if err != nil {
			t.Fatal(err)
		}
		run(t, st.routers["a"], st.routers["b"], d)
	case "join":
		st.routers["a"].join(t, "Eth-Trunk10", addr("fe80::11"), groupA, source)
	case "refuse":
		st.routers["a"].refuse = nil
		if rest != "" {
			st.routers["a"].refuse = refusal(rest)
		}
	}
}

type refusal string

func (r refusal) Error() string { return string(r) }
