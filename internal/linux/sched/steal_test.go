package sched

import (
	"strings"
	"testing"
	"time"
)

func TestStealIsOfTheProcessorThatLostMost(t *testing.T) {
	s := &Steal{}
	for _, c := range []struct {
		what, stat string
		want       time.Duration
	}{
		{"the first reading", "cpu  9 9 9 9 9 9 9 100 0 0\ncpu0 1 2 3 4 5 6 7 40 0 0\ncpu1 1 2 3 4 5 6 7 60 0 0\nintr 5 0\n", 0},
		{"both lost, one more", "cpu  9 9 9 9 9 9 9 105 0 0\ncpu0 1 2 3 4 5 6 7 41 0 0\ncpu1 1 2 3 4 5 6 7 64 0 0\nintr 6 0\n", 40 * time.Millisecond},
		{"nothing lost", "cpu  9 9 9 9 9 9 9 105 0 0\ncpu0 2 2 3 4 5 6 7 41 0 0\ncpu1 2 2 3 4 5 6 7 64 0 0\nintr 7 0\n", 0},
		{"an old kernel without the column", "cpu  9 9 9\ncpu0 2 2 3\nintr 7 0\n", 0},
	} {
		s.file = strings.NewReader(c.stat)
		if got := s.Read(); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}

// TestStealOfThisMachine: the kernel's file has the form that Read expects.
func TestStealOfThisMachine(t *testing.T) {
	s, err := OpenSteal()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := s.Read(); got != 0 {
		t.Errorf("the first reading is %v", got)
	}
	if !s.read || !strings.HasPrefix(string(s.room[:]), "cpu ") {
		t.Errorf("read %q", s.room[:40])
	}
	if allocated := testing.AllocsPerRun(10, func() { s.Read() }); allocated > 0 {
		t.Errorf("a reading allocates %v times", allocated)
	}
}
