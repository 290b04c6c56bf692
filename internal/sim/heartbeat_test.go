package sim

import (
	"testing"
	"time"
)

// TestHeartbeatSchedules plays schedules with two paths between the devices. As long as
// they hear each other on one of them, a broken path makes both send for a moment only.
func TestHeartbeatSchedules(t *testing.T) {
	playAll(t, 1, 200, func(seed uint64) Options {
		opts := options(t, seed)
		opts.Heartbeat = true
		return opts
	}, new(traces))
}

// A device that dies while BFD cannot see it is missed after the fail time of the hellos that
// stand in for BFD, 1 s, and not after the 20 s that are configured.
func TestDeathOnABrokenPrimaryPath(t *testing.T) {
	for seed := range uint64(10) {
		w := New(Options{Seed: seed, Hosts: 8, Heartbeat: true, NoMinds: true})
		w.plan = []Step{
			{Fault: "records asked for anew", For: time.Second, After: 5 * time.Second, Chance: 1}, // all listeners are known to both
			{Fault: "path down", Node: 0, For: 5 * time.Second, Overlaps: true, Chance: 1},
			{Fault: "daemon killed", Node: int(seed % 2), For: 5 * time.Second, After: time.Second, Chance: 1},
		}
		if err := w.Run(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		if limit := time.Second + maxGap; w.watch.Longest > limit {
			t.Errorf("seed %d: a gap of %v (limit %v)", seed, w.watch.Longest, limit)
		}
	}
}
