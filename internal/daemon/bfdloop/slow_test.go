package bfdloop_test

import (
	"fmt"
	"testing"
	"time"

	"tandem/internal/bfd"
)

// TestOthersFollowASlowDown: our sessions slow down, and FRR's bfdd and BIRD agree to the
// longer intervals without losing a session. On a busy machine our sessions may slow down
// further than the test makes them; bfdd and BIRD must then agree to that, too.
func TestOthersFollowASlowDown(t *testing.T) {
	const interval, stolen = 10 * time.Millisecond, 50 * time.Millisecond
	for _, o := range []struct {
		name string
		make func(*match) implementation
		need []string
	}{
		{"FRR", newBFDD, []string{bfddPath, "vtysh"}},
		{"BIRD", newBIRD, []string{"bird", "birdc"}},
	} {
		t.Run(o.name, func(t *testing.T) {
			if tool := missing(o.need); tool != "" {
				t.Skipf("needs %s", tool)
			}
			m := newMatch(t, o.name, interval, o.make)
			m.a.helper = nil
			for i := range m.sessions {
				m.sessions[i].Adaptive = true
			}
			m.other.start()
			m.launch()
			for range interopTries {
				for _, d := range []time.Duration{2 * interval, interval} { // new intervals end a slowdown
					m.setIntervals(d)
					m.configure()
				}
				if err := m.until(m.inStep); err != nil {
					t.Fatal(err)
				}
				m.forget()
				m.a.loop.Stolen(stolen)
				if err := m.until(func() error { return m.slowed(stolen) }); err != nil {
					t.Fatal(err)
				}
				if m.undisturbed() {
					return
				}
			}
			t.Errorf("not once undisturbed in %d tries", interopTries)
		})
	}
}

// slowed reports an error until all our sessions have slowed down to at least this
// interval, and bfdd and BIRD have agreed to it.
func (m *match) slowed(interval time.Duration) error {
	for _, s := range m.a.loop.Snapshot() {
		if s.Slow.Interval < interval {
			return fmt.Errorf("our %s session is at %v", s.Name, s.Slow.Interval)
		}
	}
	return m.inStep()
}

// inStep reports an error until both ends of each session are Up and use the detection
// time of our present pace.
func (m *match) inStep() error {
	for _, s := range m.a.loop.Snapshot() {
		want := multiplier * max(s.MinTx, s.Slow.Interval)
		if s.State != bfd.Up || s.Polling || s.DetectTime != want {
			return fmt.Errorf("our %s session is %v, detection %v and not %v, polling %v", s.Name, s.State, s.DetectTime, want, s.Polling)
		}
		if v, err := m.other.show(s.Local); err != nil || !v.Up || v.Detect != want {
			return fmt.Errorf("their %s session is %+v: %v; detection is to be %v", s.Name, v, err, want)
		}
	}
	return nil
}

func (m *match) undisturbed() bool {
	for _, s := range m.sessions {
		if found, reasons := m.lost(s.Name); found {
			m.t.Logf("%s: the %s session was lost for %v", m.name, s.Name, reasons)
			return false
		}
	}
	return true
}
