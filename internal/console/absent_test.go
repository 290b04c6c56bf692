package console

import (
	"strings"
	"testing"

	"log/slog"
	"tandem/internal/state"

	"tandem/internal/journal"
)

// half is a device of which some interfaces do not exist.
type half struct{ nowhere }

func (half) Interfaces() []state.Interface {
	return []state.Interface{{Name: "eth1", Exists: true}, {Name: "GigabitEthernet0/1/0"}, {Name: "LoopBack5"}}
}

// TestAbsentInterfaces: a commit with interfaces that do not exist gives a warning for
// each, once.
func TestAbsentInterfaces(t *testing.T) {
	sys := &System{Backend: half{}, Store: newTestStore(t), Journal: journal.New(slog.DiscardHandler)}
	s := sys.NewSession(Login{User: "test", Level: Configuration})
	for _, line := range []string{"system-view immediately", "sysname X"} {
		r := s.Exec(line)
		if line == "sysname X" && (strings.Count(r.Output, "has no interface") != 2 || !strings.Contains(r.Output, "Warning: interface GigabitEthernet0/1/0: ")) {
			t.Errorf("%s: %s", line, r.Output)
		}
	}
	if r := s.Exec("sysname Y"); r.Output != "" {
		t.Errorf("warned again: %s", r.Output)
	}
}
