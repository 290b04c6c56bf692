package sim

import (
	"slices"
	"testing"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

// Faults of redundant pairs that users of other products have reported, each as a schedule of
// its own. docs/reliability.md lists them with the tests of other packages.

// step is a fault on a device, followed by a rest that is long enough for the pair to count as
// healthy. From then on only one device may send.
func step(fault string, node int, lasts time.Duration) Step {
	return Step{Fault: fault, Node: node, For: lasts, After: healing + 2*time.Second, Chance: 1}
}

// play runs steps with several seeds.
func play(t *testing.T, steps ...Step) {
	t.Helper()
	for seed := range uint64(10) {
		w := New(Options{Seed: seed, Hosts: 8})
		w.plan = steps
		if err := w.Run(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// TestFailbackLeavesOneSender. Reported: a device came back, and both it and the device that
// had replaced it went on sending.
func TestFailbackLeavesOneSender(t *testing.T) {
	play(t, step("daemon killed", 0, 5*time.Second), step("device off", 0, 5*time.Second), step("upstream down", 0, 5*time.Second),
		step("leg down", 0, 5*time.Second))
}

// TestEverySwitchoverIsLikeTheFirst. Reported: the second switchover, or one in the other
// direction, was incomplete.
func TestEverySwitchoverIsLikeTheFirst(t *testing.T) {
	play(t, step("switchover", 0, 3*time.Second), step("switchover", 1, 3*time.Second), step("switchover", 0, 3*time.Second),
		step("switchover", 0, 3*time.Second), step("switchover", 1, 3*time.Second))
	play(t, step("daemon killed", 0, 3*time.Second), step("daemon killed", 1, 3*time.Second), step("daemon killed", 0, 3*time.Second),
		step("daemon killed", 1, 3*time.Second))
}

// TestSplitBrainHeals. Reported: after both had been masters, traffic still went to the one
// that had become Backup.
func TestSplitBrainHeals(t *testing.T) {
	play(t, step("path down", 0, 5*time.Second), step("path down", 1, 100*time.Second), step("path one way", 0, 30*time.Second),
		step("path one way", 1, 30*time.Second))
}

// TestReturnsWithTheStateBeforeItServes. Reported: a node became Master when it came back,
// before it had the state.
func TestReturnsWithTheStateBeforeItServes(t *testing.T) {
	for seed := range uint64(10) {
		w := New(Options{Seed: seed, Hosts: 8})
		if err := w.settle(); err != nil {
			t.Fatal(err)
		}
		w.changeMinds()
		for _, victim := range []int{0, 1, 1, 0} {
			if err := w.strike(step("daemon killed", victim, 2*time.Second)); err != nil {
				t.Fatal(err)
			}
			n := w.nodes[victim]
			n.down--
			n.reboot()
			w.broken, w.healedAt = nil, w.now
			for served := false; !served || n.duty().Kind == device.DutyNone; {
				if w.now > n.bootedAt.Add(settleTime) {
					t.Fatalf("seed %d: %s does not come to serve, it is %s", seed, n.name, n.describe())
				}
				served = slices.Max(n.sending) != 0
				if served && !n.snapshot().Services[0].InSync {
					t.Fatalf("seed %d: %s sends, and is %s", seed, n.name, n.describe())
				}
				if err := w.pass(time.Millisecond); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
			if err := w.settle(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestChannelDownForLongerThanTheRetention: the retention of what the peer has heard ends, and
// no listener may notice.
func TestChannelDownForLongerThanTheRetention(t *testing.T) {
	for seed := range uint64(5) {
		for _, minds := range []bool{true, false} {
			w := New(Options{Seed: seed, Hosts: 8, NoMinds: !minds})
			w.plan = []Step{step("old hellos again", 0, time.Second), step("RBS down", 0, retention+400*time.Second), step("hosts hashed anew", 0, time.Second)}
			if err := w.Run(); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		}
	}
}

// TestApartForLongerThanTheRetention: the devices find each other again after the retention has
// ended, the channel a moment before the E-Trunk. They send for each other only until they are
// synchronised, not until each listener has answered a query.
func TestApartForLongerThanTheRetention(t *testing.T) {
	for seed := range uint64(20) {
		w := New(Options{Seed: seed, Hosts: 8, NoMinds: true})
		w.changeMinds()
		if err := w.settle(); err != nil {
			t.Fatal(err)
		}
		if err := w.strike(step("path down", 0, retention+400*time.Second)); err != nil {
			t.Fatal(err)
		}
		w.rate = 2500 // so that the E-Trunk is back during the synchronisation
		if err := w.mend(); err != nil {
			t.Fatal(err)
		}
		if err := w.settle(); err != nil {
			t.Fatal(err)
		}
		if err := w.pass(300 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		for _, n := range w.nodes {
			if len(n.gate.Exceptions) > 0 {
				t.Errorf("seed %d: %s still sends %v for its peer", seed, n.name, n.gate.Exceptions)
			}
		}
	}
}

// TestHandedOverAndNeeded: a device whose operator has requested a switchover serves
// again when its peer cannot. It hands over again when the peer can.
func TestHandedOverAndNeeded(t *testing.T) {
	for _, automatic := range []bool{false, true} {
		w := New(Options{Seed: 1, Hosts: 8, NoMinds: true, Automatic: automatic})
		w.changeMinds()
		if err := w.settle(); err != nil {
			t.Fatal(err)
		}
		serving := w.nodes[0]
		expect := func(what string, want *node) {
			if sender, ok := w.soleSender(); !ok || sender != want {
				t.Errorf("automatic %v, %s: %s, %s", automatic, what, w.nodes[0].describe(), w.nodes[1].describe())
			}
		}
		strike := func(fault string, n *node) {
			if err := w.strike(step(fault, n.index, 10*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		strike("switchover", serving)
		expect("after the switchover", serving.peer())
		for range 2 {
			strike("upstream down", serving.peer())
			expect("when the peer cannot serve", serving)
			serving.peer().cutCables(0, -1)
			if err := w.pass(10 * time.Second); err != nil {
				t.Fatal(err)
			}
			expect("when the peer is whole", serving.peer())
		}
	}
}

// soleSender returns the only device that sends anything.
func (w *World) soleSender() (sender *node, ok bool) {
	for _, n := range w.nodes {
		if slices.Max(n.sending) > 0 {
			ok = sender == nil
			sender = n
		}
	}
	return sender, ok
}

// TestStoppedDaemon. Reported: a process that was stopped and continued acted for a while
// on an outdated state. It may read the waiting messages in any order, and its peer may
// be stopped at the same time.
func TestStoppedDaemon(t *testing.T) {
	for seed := range uint64(100) {
		w := New(Options{Seed: seed, Hosts: 8, NoMinds: true})
		if err := w.settle(); err != nil {
			t.Fatal(err)
		}
		w.changeMinds()
		if err := w.pass(healing); err != nil {
			t.Fatal(err)
		}
		w.watch.forgive(true)
		w.gapless, w.settled, w.healedAt = true, false, instant.Never
		for range 16 {
			w.nodes[w.minds.IntN(2)].stopOrGoOn()
			// For a moment; until BFD detects it; and until the fail time of the hellos
			// is over.
			lasts := [...]time.Duration{50 * time.Millisecond, 500 * time.Millisecond, stallLimit, 20 * time.Second}[w.minds.IntN(4)]
			if err := w.pass(lasts + time.Duration(w.minds.Int64N(int64(lasts/4))) - lasts/8); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		for _, n := range w.nodes {
			n.goOn()
		}
		if err := w.settle(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// TestFalseDownOfBFDCostsNoPacket: BFD declares a device dead again and again, although
// the device was only late. No listener loses a packet. Each time, both devices send the
// streams only until they receive each other's hellos.
func TestFalseDownOfBFDCostsNoPacket(t *testing.T) {
	for seed := range uint64(40) {
		w := New(Options{Seed: seed, Hosts: 8, NoMinds: true})
		if err := w.settle(); err != nil {
			t.Fatal(err)
		}
		w.changeMinds()
		if err := w.pass(healing); err != nil {
			t.Fatal(err)
		}
		w.watch.forgive(true)
		w.gapless, w.settled, w.healedAt = true, false, instant.Never
		for range 16 {
			late := w.nodes[w.minds.IntN(2)]
			was := late.peer().bfd
			late.bfdErrs()
			if was == etrunk.BFDUp && late.peer().bfd != etrunk.BFDDown {
				t.Fatalf("seed %d: BFD of %s has not failed", seed, late.peer().name)
			}
			// the time until the next failure: some are after BFD is up again, some
			// before
			lasts := [...]time.Duration{50 * time.Millisecond, 500 * time.Millisecond, 3 * time.Second}[w.minds.IntN(3)]
			if err := w.pass(lasts); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		if err := w.settle(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// TestStrandedHostsGoToThePeer: a device that can neither serve its hosts nor report them
// to the peer takes its leg down. The switch sends the hosts' reports to the peer, which
// queries the hosts. The device takes its share again when it can.
func TestStrandedHostsGoToThePeer(t *testing.T) {
	w := New(Options{Seed: 2, Hosts: 8, NoMinds: true})
	if err := w.settle(); err != nil {
		t.Fatal(err)
	}
	a := w.nodes[0]
	for range 2 {
		if err := w.strike(step("RBS down", 0, time.Second)); err != nil {
			t.Fatal(err)
		}
		if err := w.strike(step("upstream down", 0, time.Second)); err != nil {
			t.Fatal(err)
		}
		for i, h := range w.hosts {
			h.change(i%len(w.streams), !h.wants[i%len(w.streams)])
		}
		if err := w.pass(1500*time.Millisecond + strandTime + timers.MaxResponse); err != nil { // from the moment when the device notices
			t.Fatal(err)
		}
		if a.legUp() {
			t.Error("the device without upstream and channel keeps its leg")
		}
		for i, h := range w.hosts {
			if i %= len(w.streams); h.wants[i] && (w.legOf(h) != a.peer() || a.peer().sending[i]>>h.vlan&1 == 0) {
				t.Errorf("host %d does not get %s: %s", h.number, w.streams[i].group, a.peer().whyNot(w.streams[i], h.vlan))
			}
		}
		if err := w.mend(); err != nil {
			t.Fatal(err)
		}
		if err := w.settle(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPortForwardsLate: a port of the switch may have carrier for seconds before it
// forwards. A device whose leg comes back behind such a port takes no stream from the
// peer until a packet has come in on the leg, or the time for one has passed.
func TestPortForwardsLate(t *testing.T) {
	for _, automatic := range []bool{false, true} {
		for _, late := range []time.Duration{time.Second, 4 * time.Second} {
			w := New(Options{Seed: 3, Hosts: 8, NoMinds: true, Automatic: automatic})
			for i, h := range w.hosts {
				h.change(i%len(w.streams), true)
			}
			if err := w.settle(); err != nil {
				t.Fatal(err)
			}
			for _, n := range w.nodes {
				n.cutCables(+1, 0)
				if err := w.pass(5 * time.Second); err != nil {
					t.Fatal(err)
				}
				n.late = true
				n.cutCables(-1, 0)
				w.after(late, func() { n.late, n.moved = false, true; n.tellLinks() })
				for range 800 {
					if err := w.pass(10 * time.Millisecond); err != nil {
						t.Fatal(err)
					}
					if i := w.unserved(); i >= 0 {
						t.Fatalf("automatic %v, port %v late: nobody sends %s after %s's leg is back", automatic, late, w.streams[i].group, n.name)
					}
				}
			}
		}
	}
}

// unserved returns a stream that a host wants and no device sends, -1 if there is none.
func (w *World) unserved() int {
	for _, h := range w.hosts {
		for i, wants := range h.wants {
			if wants && (w.nodes[0].sending[i]|w.nodes[1].sending[i])>>h.vlan&1 == 0 {
				return i
			}
		}
	}
	return -1
}
