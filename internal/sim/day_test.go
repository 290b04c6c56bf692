package sim

import (
	"flag"
	"testing"
	"time"
)

var day = flag.Duration("day", 10*time.Minute, "how long TestDay lasts, in virtual time")

// TestDay runs 1,000 hosts and 200 groups with a pair. Every hour a fault or change happens. No
// listener may be lost, and nothing may be left at the end. A whole day is
//
//	go test ./internal/sim -run TestDay -day 24h -timeout 2h -v
func TestDay(t *testing.T) {
	w := New(Options{Seed: 1, Hosts: 1000, Groups: 200, Most: 2, Pause: time.Second, CheckEvery: time.Second})
	if err := w.live(t, *day, time.Hour); err != nil {
		t.Fatalf("at %v: %v", w.now, err)
	}
	t.Logf("%v: %d gaps, the longest %v", w.now, w.watch.Gaps, w.watch.Longest)
}

// live runs the simulation. At the end of each interval it plays one step of a new plan.
func (w *World) live(t *testing.T, total, interval time.Duration) error {
	if err := w.settle(); err != nil {
		return err
	}
	w.changeMinds()
	w.checkBounds()
	for n, end := uint64(1), w.now.Add(total); w.now < end; n++ {
		if err := w.pass(min(interval, total)); err != nil {
			return err
		}
		step := newPlan(n, faults)[0]
		t.Logf("%v: %v", w.now, step)
		for _, do := range []func() error{func() error { return w.strike(step) }, w.mend, w.settle} {
			if err := do(); err != nil {
				return err
			}
		}
	}
	return w.quiet()
}
