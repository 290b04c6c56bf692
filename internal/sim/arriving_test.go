package sim

import (
	"testing"
	"time"
)

// TestArrivingSchedules plays schedules in which streams do not arrive at a device, though all links have
// carrier.
func TestArrivingSchedules(t *testing.T) {
	playAll(t, 1, 100, func(seed uint64) Options {
		opts := options(t, seed)
		opts.Arriving = true
		return opts
	}, new(traces))
}

// TestStreamFaultsAlone plays each fault of the way of the streams alone, on either device. Every rule
// holds, and the two devices send the same stream for a moment only when it is given back.
func TestStreamFaultsAlone(t *testing.T) {
	for _, f := range arrivingFaults {
		var gap, twice time.Duration
		for seed := range uint64(4) {
			w := New(Options{Seed: seed, Hosts: 8, Arriving: true, NoMinds: true})
			w.plan = []Step{
				{Fault: "records asked for anew", For: time.Second, After: 5 * time.Second, Chance: seed},
				{Fault: f.name, Node: int(seed / 2), For: 6 * time.Second, After: 5 * time.Second, Chance: seed},
			}
			if err := w.Run(); err != nil {
				t.Errorf("%s, seed %d: %v", f.name, seed, err)
			}
			gap, twice = max(gap, w.watch.Longest), max(twice, w.watch.Twice)
		}
		t.Logf("%s: missed for %v at most, sent twice for %v", f.name, gap, twice)
	}
}
