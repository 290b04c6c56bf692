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

// The replication goes by the heartbeat path while the primary one is broken, and back. So
// who has come to listen meanwhile is known to both.
func TestReplicationTakesTheHeartbeatPath(t *testing.T) {
	w := New(Options{Seed: 1, Hosts: 8, Heartbeat: true})
	if err := w.settle(); err != nil {
		t.Fatal(err)
	}
	w.changeMinds()
	cut, mend := faultNamed("path down").strike, faultNamed("path down").end
	for _, c := range []struct {
		name   string
		change func()
		beat   bool
	}{
		{"whole", func() {}, false},
		{"primary path cut", func() { cut(w, w.nodes[0], nil) }, true},
		{"mended", func() { mend(w, w.nodes[0], nil) }, false},
		{"cut again", func() { cut(w, w.nodes[0], nil) }, true},
	} {
		c.change()
		if err := w.pass(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		if err := w.agree(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, n := range w.nodes {
			if s := n.snapshot().Services[0]; !s.InSync || (s.Local == n.beatAddress()) != c.beat {
				t.Errorf("%s: %s in sync %v, connects from %v", c.name, n.name, s.InSync, s.Local)
			}
		}
	}
}

// In auto the leg of the other device comes up for a moment when the primary path breaks. Hosts
// that were hashed to it meanwhile were lost when it went, for nobody else knew of them.
func TestLegStaysForThoseWhomItAloneHears(t *testing.T) {
	for _, seed := range []uint64{284, 332} {
		opts := options(t, seed)
		opts.Heartbeat, opts.Keep = true, []int{0}
		if err := New(opts).Run(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}
