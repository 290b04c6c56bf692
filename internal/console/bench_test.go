package console

import (
	"fmt"
	"log/slog"
	"testing"

	"tandem/internal/config"
	"tandem/internal/journal"
)

// bulk returns a configuration of 10,000 lines as an operator pastes it: two thousand
// profiles with five lines each.
func bulk() []string {
	lines := []string{"system-view", "remote-backup-service s1"}
	for i := range 2000 {
		lines = append(lines, fmt.Sprintf("remote-backup-profile bulk%d", i),
			fmt.Sprintf("backup-id %d remote-backup-service s1", 1000+i), "peer-backup hot", "service-type mld", "quit")
	}
	return lines
}

// BenchmarkEnter types 10,000 lines (figure F11).
func BenchmarkEnter(b *testing.B) {
	for b.Loop() {
		newBulk(b)
	}
}

// BenchmarkCommit commits these lines.
func BenchmarkCommit(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s := newBulk(b)
		b.StartTimer()
		if r := s.Exec("commit"); r.Err != nil {
			b.Fatal(r.Err)
		}
	}
}

func newBulk(b *testing.B) *Session {
	store, err := config.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	sys := &System{Backend: newFakeRouter(selfID, "2001:db8::1"), Store: store, Journal: journal.New(slog.DiscardHandler)}
	s := sys.NewSession(Login{User: "admin", Level: Configuration, Interactive: true})
	for _, line := range bulk() {
		if r := s.Exec(line); r.Err != nil {
			b.Fatalf("%q: %v", line, r.Err)
		}
	}
	return s
}
