package sim

import (
	"testing"
	"time"
)

// TestHeartbeatSchedules runs schedules with two paths between the devices. As long as
// their hellos arrive on one path, a broken path makes both send only for a moment.
func TestHeartbeatSchedules(t *testing.T) {
	playAll(t, 1, 200, func(seed uint64) Options {
		opts := options(t, seed)
		opts.Heartbeat = true
		return opts
	}, new(traces))
}

// TestDeathOnABrokenPrimaryPath: while BFD cannot work, the device uses hellos with a fail time
// of 1 s in its place. So it detects the death of its peer after 1 s and not after the 20 s
// that are configured.
func TestDeathOnABrokenPrimaryPath(t *testing.T) {
	for seed := range uint64(10) {
		w := New(Options{Seed: seed, Hosts: 8, Heartbeat: true, NoMinds: true})
		w.plan = []Step{
			{Fault: "records asked for anew", For: time.Second, After: 5 * time.Second, Chance: 1}, // by then both devices know all listeners
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

// TestReplicationTakesTheHeartbeatPath: the replication uses the heartbeat path while the
// primary path is broken, and returns to it. So both devices know which hosts have joined
// during the fault.
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

// TestLegStaysForThoseWhomItAloneHears: in auto the Backup's leg comes up for a moment
// when the primary path breaks. The switch hashes some hosts to it in that moment. They
// must not be lost when the leg goes down, although only that device has their reports.
func TestLegStaysForThoseWhomItAloneHears(t *testing.T) {
	for _, seed := range []uint64{284, 332} {
		opts := options(t, seed)
		opts.Heartbeat, opts.Keep = true, []int{0}
		if err := New(opts).Run(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}
