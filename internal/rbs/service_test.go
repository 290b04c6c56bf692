package rbs

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// converged fails unless both nodes are connected, in sync and equal.
func (w *world) converged() {
	w.t.Helper()
	a, b := w.nodes[0], w.nodes[1]
	for _, n := range w.nodes {
		st := n.state()
		if st.TCP != Connected || !st.InSync || st.LagRecords != 0 {
			w.t.Fatalf("node %d at %v: %v, in sync %v, %d records behind, last error %q",
				n.id, w.now, st.TCP, st.InSync, st.LagRecords, st.LastError)
		}
		if left := n.store.tombstones(); len(left) > 0 {
			w.t.Fatalf("node %d keeps tombstones that nobody needs: %v", n.id, left)
		}
		if st.LocalDigest != st.PeerDigest {
			w.t.Fatalf("node %d: digest %x, the peer's %x", n.id, st.LocalDigest, st.PeerDigest)
		}
	}
	if d := cmp.Diff(a.store.live(), b.store.live()); d != "" {
		w.t.Fatalf("databases differ (-a +b):\n%s", d)
	}
}

func TestFirstSynchronisationGoesBothWays(t *testing.T) {
	w := newWorld(t, 1)
	for i := range 3000 {
		w.nodes[i%2].write(i, false)
	}
	w.run(3 * time.Second)
	w.converged()
	if n := len(w.nodes[0].store.live()); n != 3000 {
		t.Fatalf("%d live records, want 3000", n)
	}
	st := w.nodes[1].state()
	if st.LastDifference.Sent != 1500 || st.LastDifference.Received != 1500 || st.PeerDeviceID != 1 {
		t.Fatalf("%+v", st)
	}
}

func TestHigherAddressConnects(t *testing.T) {
	w := newWorld(t, 1)
	if a, b := w.nodes[0], w.nodes[1]; a.state().TCP != Listening || b.state().TCP != Connecting {
		t.Fatalf("%v and %v", a.state().TCP, b.state().TCP)
	}
	if w.nodes[0].dials != 0 || !w.nodes[0].listening || w.nodes[1].listening {
		t.Fatal("the lower address must listen, the higher connect")
	}
}

func TestResynchronisationSendsTheDifferenceOnly(t *testing.T) {
	w := newWorld(t, 2)
	for i := range 2000 {
		w.nodes[0].write(i, false)
	}
	w.run(3 * time.Second)
	w.partition = true
	w.run(3 * time.Second)
	for i := range 10 {
		w.nodes[0].write(i, i < 5) // five leave, five are refreshed
	}
	w.partition = false
	w.run(7 * time.Second)
	w.converged()
	if sent := w.nodes[0].state().LastDifference.Sent; sent != 10 {
		t.Fatalf("%d records sent, want the 10 that changed", sent)
	}
}

func TestEmptyPeerErasesNothing(t *testing.T) {
	w := newWorld(t, 3)
	for i := range 500 {
		w.nodes[i%2].write(i, false)
	}
	w.run(3 * time.Second)
	for _, id := range []int{0, 1} {
		w.nodes[id].boot(16)
		w.run(8 * time.Second)
		w.converged()
		if n := len(w.nodes[id].store.live()); n != 500 {
			t.Fatalf("node %d came back empty and has %d records, want 500", id, n)
		}
	}
}

func TestLiveChangesAreCoalesced(t *testing.T) {
	w := newWorld(t, 4)
	w.run(2 * time.Second)
	before := w.nodes[0].state().Counters.RecordsSent
	for range 100 {
		w.nodes[0].write(1, false)
	}
	w.run(time.Second)
	w.converged()
	if sent := w.nodes[0].state().Counters.RecordsSent - before; sent != 1 {
		t.Fatalf("%d records sent for one key, want 1", sent)
	}
}

func TestSlowPeerCostsTheDirtySetOnly(t *testing.T) {
	w := newWorld(t, 5)
	w.run(2 * time.Second)
	w.slow = 300 * time.Millisecond
	a := w.nodes[0]
	for round := range 50 {
		for i := range 100 {
			a.write(i, round%2 == 0)
		}
		w.run(100 * time.Millisecond)
		if lag := a.state().LagRecords; lag > 2*maxInFlight {
			t.Fatalf("%d records behind", lag)
		}
		if n := a.svc.current.session.dirty.len(); n > 100 {
			t.Fatalf("%d keys queued of 100 there are", n)
		}
	}
	w.slow = 0
	w.run(10 * time.Second)
	w.converged()
}

func TestTombstoneOfWhatThePeerNeverHad(t *testing.T) {
	w := newWorld(t, 6)
	w.nodes[0].write(1, false)
	w.nodes[0].write(1, true)
	w.run(2 * time.Second)
	w.converged() // the tombstone is gone: equal digests count as an acknowledgement
	if n := w.nodes[0].state().Counters.RecordsSent; n != 0 {
		t.Fatalf("%d records sent for nothing", n)
	}
}

func TestLeaveDuringAnOutageReachesThePeer(t *testing.T) {
	w := newWorld(t, 7)
	w.nodes[0].write(1, false)
	w.run(2 * time.Second)
	w.partition = true
	w.run(5 * time.Second)
	w.nodes[1].write(1, true) // the host now uses the other leg and leaves there
	w.nodes[0].write(2, false)
	w.partition = false
	w.run(6 * time.Second)
	w.converged()
	if n := len(w.nodes[0].store.live()); n != 1 {
		t.Fatalf("%d live records, want only the one that joined", n)
	}
}

// A host leaves while the comparison finds its record equal. A tombstone that is queued
// or not acknowledged must not count as one that the peer does not need, even if the
// connection is cut once more.
func TestLeaveAtAnyMomentOfAComparison(t *testing.T) {
	for seed := range uint64(2400) {
		w := newWorld(t, seed)
		for i := range 8 {
			w.nodes[i%2].write(i, false)
		}
		w.run(2 * time.Second)
		w.cut()
		w.slow = 20 * time.Millisecond
		w.run(time.Duration(w.rng.IntN(600)) * time.Millisecond)
		w.nodes[seed%2].write(1, true)
		if seed%4 < 2 {
			w.run(time.Duration(w.rng.IntN(150)) * time.Millisecond)
			w.cut()
			w.slow = 0
		}
		w.run(4 * time.Second) // shorter than the interval of an audit, which would restore the listener
		w.converged()
		if n := len(w.nodes[0].store.live()); n != 7 {
			t.Fatalf("seed %d: %d live records, want 7", seed, n)
		}
	}
}

// TestLaterWriteWinsAlthoughClocksDiffer: the clocks of the two nodes differ by an hour from
// the start (see start).
func TestLaterWriteWinsAlthoughClocksDiffer(t *testing.T) {
	w := newWorld(t, 8)
	w.run(2 * time.Second)
	w.cut()
	w.partition = true
	w.nodes[1].write(1, true) // by the clock that is ahead
	w.run(time.Second)
	w.nodes[0].write(1, false) // later
	w.partition = false
	w.run(6 * time.Second)
	w.converged()
	if n := len(w.nodes[1].store.live()); n != 1 {
		t.Fatal("the later join lost to the earlier leave")
	}
	if a := w.nodes[0].clock.Ahead().Round(time.Second); a != time.Hour {
		t.Fatalf("clock set forward by %v, want 1h", a)
	}
}

// TestLaterWriteWinsOfDevicesThatHaveNotMet: the clocks of two devices differ by an hour, and
// they connect for the first time. The write that was later in real time wins.
func TestLaterWriteWinsOfDevicesThatHaveNotMet(t *testing.T) {
	w := newWorld(t, 8)
	behind, ahead := w.nodes[0], w.nodes[1]
	apart := func(boots *node, first, then *node) {
		w.partition = true
		w.cut()
		w.run(time.Second)
		if boots != nil {
			boots.boot(16)
		}
		for i := range 20 {
			first.write(i, false)
		}
		w.run(time.Second)
		for i := range 10 {
			then.write(i, true)
		}
		w.partition = false
		w.run(15 * time.Second)
		w.converged()
		if n := len(behind.store.live()); n != 10 {
			t.Errorf("%d records live, want the 10 that were not left afterwards", n)
		}
	}
	apart(nil, ahead, behind)
	apart(behind, ahead, behind)
	apart(ahead, ahead, behind)
	apart(ahead, behind, ahead)
	apart(nil, ahead, behind) // they have met
	if by := behind.clock.Ahead(); by.Round(time.Minute) != time.Hour {
		t.Errorf("the clock has been set forward by %v in all", by)
	}
}

func TestHalfDeadConnection(t *testing.T) {
	w := newWorld(t, 9)
	w.run(2 * time.Second)
	w.partition = true
	w.run(1600*time.Millisecond + 500*time.Millisecond)
	for _, n := range w.nodes {
		st := n.state()
		if st.TCP == Connected || st.Counters.LostSilent != 1 {
			t.Fatalf("node %d: %v, %+v", n.id, st.TCP, st.Counters)
		}
		if down := (Event{ChannelDown, "rbs: nothing heard from the peer for 1.5s"}); !slices.Contains(n.events, down) {
			t.Fatalf("node %d: %v", n.id, n.events)
		}
	}
	w.partition = false
	w.run(6 * time.Second)
	w.converged()
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	w := newWorld(t, 10)
	w.partition = true
	w.run(2 * time.Second)
	early := w.nodes[1].dials
	w.run(60 * time.Second)
	late := w.nodes[1].dials - early
	if early < 4 || early > 8 || late < 12 || late > 26 {
		t.Fatalf("%d attempts in the first 2 s, %d in the next 60 s", early, late)
	}
	w.partition = false
	w.run(7 * time.Second)
	w.converged()
}

func TestMalformedFrame(t *testing.T) {
	w := newWorld(t, 11)
	w.run(time.Second)
	for _, c := range w.ends() {
		if c.open && c.at.id == 1 {
			c.mangle = func(b []byte) []byte { return append([]byte{0, 3, 1, 0}, b...) }
		}
	}
	w.run(1200 * time.Millisecond)
	a, b := w.nodes[0].state(), w.nodes[1].state()
	if a.Counters.LostFormat != 1 || b.Counters.LostByPeer != 1 {
		t.Fatalf("a %+v\nb %+v", a.Counters, b.Counters)
	}
	if !strings.Contains(b.LastError, "length field is 3") {
		t.Fatalf("the peer was not told why: %q", b.LastError)
	}
	down := Event{ChannelDown, a.LastError}
	if !slices.Contains(w.nodes[0].events, down) {
		t.Fatalf("no event tells %q: %v", a.LastError, w.nodes[0].events)
	}
	w.run(5 * time.Second)
	w.converged()
}

func TestPeerThatIsAlwaysRefusedIsMetWithBackoff(t *testing.T) {
	w := newWorld(t, 12)
	a, b := w.nodes[0], w.nodes[1]
	b.svc.stop(b.svc.cfg, &b.fx)
	b.svc = NewService(b.store, b.clock, a.store.device, 1, w.rng) // the same device ID: refused after HELLO
	b.configure(true)
	w.run(30 * time.Second)
	if c := a.state().Counters; c.LostIdentity < 8 || c.LostIdentity > 20 {
		t.Fatalf("%d attempts in 30 s", c.LostIdentity)
	}
}

func TestPeerConnectsTwice(t *testing.T) {
	w := newWorld(t, 13)
	w.run(2 * time.Second)
	a, b := w.nodes[0], w.nodes[1]
	// A connection from another address that sends nothing does no harm.
	_, stray := w.connect(b, a)
	a.svc.Accepted(w.now, stray.conn, b.addr, Security{}, &a.fx)
	a.carryOut()
	w.run(2 * time.Second)
	w.converged()
	if c := a.state().Counters; c.Established != 1 || c.LostSilent != 1 {
		t.Fatalf("%+v", c)
	}
	// A connection that sends a HELLO replaces the current one.
	b.start()
	w.run(100 * time.Millisecond)
	if c := a.state().Counters; c.Established != 2 || c.Replaced != 1 {
		t.Fatalf("%+v", c)
	}
	w.run(5 * time.Second)
	w.converged()
}

func TestForeignAddressIsRefused(t *testing.T) {
	w := newWorld(t, 14)
	w.run(2 * time.Second)
	a := w.nodes[0]
	a.svc.Accepted(w.now, 999, netip.MustParseAddr("2001:db8::c"), Security{}, &a.fx)
	if len(a.fx.Close) != 1 || a.fx.Close[0].Conn != 999 {
		t.Fatalf("%+v", a.fx)
	}
	a.carryOut()
	w.run(time.Second)
	w.converged()
	if c := a.state().Counters; c.RefusedAddress != 1 {
		t.Fatalf("%+v", c)
	}
}

func TestPortInUseHealsOnceItIsFree(t *testing.T) {
	w := newWorld(t, 15)
	a := w.nodes[0]
	a.listening = false
	a.svc.ListenFailed(w.now, "address already in use", &a.fx)
	a.carryOut()
	if st := a.state(); st.TCP != Initial || st.LastError != "address already in use" {
		t.Fatalf("%v %q", st.TCP, st.LastError)
	}
	w.run(3 * time.Second)
	w.converged()
}

func TestConfigure(t *testing.T) {
	w := newWorld(t, 16)
	w.run(2 * time.Second)
	a := w.nodes[0]
	cfg := a.svc.cfg

	renamed := cfg
	renamed.Name = "other"
	a.svc.Configure(w.now, renamed, &a.fx)
	if !cmp.Equal(a.fx, Effects{}, cmp.Transformer("len", func(e Effects) int {
		return len(e.Close) + len(e.Listen) + len(e.Dial) + len(e.Send)
	})) {
		t.Fatalf("renaming has effects: %+v", a.fx)
	}

	bad := cfg
	bad.Peer = bad.Local
	a.svc.Configure(w.now, bad, &a.fx)
	if len(a.fx.Close) != 1 || len(a.fx.Listen) != 1 || a.fx.Listen[0].On {
		t.Fatalf("%+v", a.fx)
	}
	a.carryOut()
	if st := a.state(); st.TCP != Initial || !strings.Contains(st.LastError, "both") {
		t.Fatalf("%v %q", st.TCP, st.LastError)
	}
	a.svc.Configure(w.now, cfg, &a.fx)
	a.carryOut()
	w.run(6 * time.Second)
	w.converged()
}

func TestReset(t *testing.T) {
	w := newWorld(t, 17)
	for i := range 100 {
		w.nodes[i%2].write(i, false)
	}
	w.run(2 * time.Second)
	a := w.nodes[0]
	before := a.state().Counters
	a.svc.Reset(w.now, &a.fx)
	if !a.svc.InSync() {
		t.Fatal("a batch backup must not take the readiness away")
	}
	a.carryOut()
	w.run(time.Second)
	w.converged()
	st := a.state()
	if sent, got := st.Counters.RecordsSent-before.RecordsSent, st.Counters.RecordsReceived-before.RecordsReceived; sent != 100 || got != 100 {
		t.Fatalf("%d sent and %d received, want all 100 in both directions", sent, got)
	}
	if st.Counters.Syncs != 2 || st.LastFull.Sent != 100 {
		t.Fatalf("%+v", st)
	}
}

// TestResetsThatCross: both ends request a full synchronisation at the same time, and one
// more request comes while it runs. Each request is fulfilled.
func TestResetsThatCross(t *testing.T) {
	w := newWorld(t, 34)
	for i := range 1000 {
		w.nodes[i%2].write(i, false)
	}
	w.run(3 * time.Second)
	w.slow = 20 * time.Millisecond
	for round := range 3 {
		before := w.nodes[0].state().LastFull.Count
		for _, n := range []*node{w.nodes[0], w.nodes[1], w.nodes[0]} {
			n.svc.Reset(w.now, &n.fx)
			n.carryOut()
			w.run(time.Duration(w.rng.IntN(5)) * time.Millisecond)
		}
		w.run(2 * time.Second)
		w.converged()
		if n := w.nodes[0].state().LastFull.Count - before; n < 2 || w.nodes[0].svc.current.session.stats.again {
			t.Fatalf("round %d: %d full synchronisations, want another one after that under way", round, n)
		}
	}
}

func TestSilentDivergenceIsFoundAndHealed(t *testing.T) {
	w := newWorld(t, 18)
	for i := range 100 {
		w.nodes[0].write(i, false)
	}
	w.run(2 * time.Second)
	b := w.nodes[1].store
	for _, i := range []int{3, 4, 5} { // a difference that no fault of the protocol can cause
		b.flip(b.records[keyOf(i)])
		delete(b.records, keyOf(i))
	}
	for !w.nodes[0].svc.Diverged() {
		if w.now > after(20*time.Second) {
			t.Fatalf("not found: %+v", w.nodes[0].state())
		}
		w.run(time.Millisecond)
	}
	w.run(10 * time.Second)
	w.converged()
	if st := w.nodes[0].state(); st.Counters.Divergences != 1 || st.Diverged {
		t.Fatalf("%+v", st)
	}
}

// TestDivergenceIsFoundUnderLoad: a silent divergence is found even if the databases change all
// the time.
func TestDivergenceIsFoundUnderLoad(t *testing.T) {
	w := newWorld(t, 21)
	for i := range 100 {
		w.nodes[i%2].write(i, false)
	}
	w.run(20 * time.Second)
	b := w.nodes[1].store
	for _, i := range []int{3, 4, 5} {
		b.flip(b.records[keyOf(i)])
		delete(b.records, keyOf(i))
	}
	for i := range 400 {
		w.nodes[i%2].write(50+i%50, false)
		w.run(200 * time.Millisecond)
	}
	if c := w.nodes[0].state().Counters; len(b.live()) != 100 || c.Divergences != 1 {
		t.Errorf("%d of 100 records, %d divergences counted", len(b.live()), c.Divergences)
	}
	w.run(10 * time.Second)
	w.converged()
	if w.nodes[0].svc.Diverged() {
		t.Error("the alarm lasts")
	}
}

// TestRefreshesUnderWayAreNoDivergence: a record that is refreshed at one end during a
// comparison is not counted by the other end as a difference.
func TestRefreshesUnderWayAreNoDivergence(t *testing.T) {
	w := newWorld(t, 22)
	for i := range 200 {
		w.nodes[i%2].write(i, false)
	}
	w.slow = 30 * time.Millisecond
	for i := range 4000 {
		w.nodes[w.rng.IntN(2)].write(i%200, false)
		w.run(100 * time.Millisecond)
	}
	for _, n := range w.nodes {
		if c := n.state().Counters; c.Divergences > 0 {
			t.Errorf("node %d counts %d divergences", n.id, c.Divergences)
		}
	}
	w.run(10 * time.Second)
	w.converged()
}

func TestDifferentNumbersOfBuckets(t *testing.T) {
	w := newWorld(t, 19)
	w.nodes[1].boot(64)
	for i := range 300 {
		w.nodes[i%2].write(i, i%5 == 0)
	}
	w.run(3 * time.Second)
	w.converged()
}

func TestLagIsTold(t *testing.T) {
	w := newWorld(t, 20)
	w.run(2 * time.Second)
	w.partition = true
	w.nodes[0].write(1, false)
	w.run(3 * time.Second)
	if st := w.nodes[0].state(); st.LagRecords != 1 || st.Lag != 3*time.Second {
		t.Fatalf("%d records, %v", st.LagRecords, st.Lag)
	}
}

// TestKindsOfSynchronisation: a synchronisation is shown as full if either end requested
// all records.
func TestKindsOfSynchronisation(t *testing.T) {
	w := newWorld(t, 3)
	for i := range 200 {
		w.nodes[0].write(i, false)
	}
	w.run(3 * time.Second) // node 1 has nothing
	w.cut()
	w.nodes[1].write(7, true)
	w.run(3 * time.Second)
	for _, n := range w.nodes {
		st := n.state()
		if full, part := st.LastFull, st.LastDifference; full.Count != 1 || full.Sent+full.Received != 200 || part.Count != 1 || part.Sent+part.Received > 2 {
			t.Errorf("node %d: full %+v, difference %+v", n.id, full, part)
		}
	}
}

// TestConvergence: after any faults of the connection, both databases become equal and no
// tombstone remains.
func TestConvergence(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, rapid.Uint64().Draw(rt, "seed"))
		node := func() *node { return w.nodes[rapid.IntRange(0, 1).Draw(rt, "node")] }
		step := map[string]func(){
			"write": func() {
				for range rapid.IntRange(1, 30).Draw(rt, "n") {
					node().write(rapid.IntRange(0, 40).Draw(rt, "key"), rapid.Bool().Draw(rt, "leave"))
				}
			},
			"run":       func() { w.run(time.Duration(rapid.IntRange(0, 2000).Draw(rt, "ms")) * time.Millisecond) },
			"cut":       func() { w.cut() },
			"partition": func() { w.partition = !w.partition },
			"slow":      func() { w.slow = time.Duration(rapid.IntRange(0, 50).Draw(rt, "ms")) * time.Millisecond },
			"boot":      func() { node().boot(16) },
			"restart":   func() { node().start() },
			"disable":   func() { node().configure(false) },
			"reset":     func() { n := node(); n.svc.Reset(w.now, &n.fx); n.carryOut() },
			"garbage": func() {
				n := node()
				for _, c := range w.ends() {
					if c.open && c.at == n {
						n.transmit(c, rapid.SliceOf(rapid.Byte()).Draw(rt, "bytes"), nil)
					}
				}
			},
		}
		names := []string{"write", "run", "write", "run", "cut", "partition", "slow", "boot", "restart", "disable", "reset", "garbage"}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			step[rapid.SampledFrom(names).Draw(rt, "step")]()
		}
		w.partition, w.slow = false, 0
		for _, n := range w.nodes {
			n.configure(true)
		}
		w.run(4 * time.Minute) // damaged frames may lead to several stalls before they are found
		w.converged()
	})
}

func ExampleService() {
	s := NewService(newMemory(1, 16), NewClock(time.Unix(0, 0), after(0)), 1, 42, nil)
	var fx Effects
	s.Configure(after(0), Config{Name: "rbs", Local: addresses[0], Peer: addresses[1], Enabled: true}, &fx)
	for _, l := range fx.Listen {
		fmt.Println("listen on", l.Local, l.Port, "for", l.Peer)
	}
	// Output: listen on 2001:db8::a 7000 for 2001:db8::b
}

// TestWhatIsCountedAsSentArrives: the counter of sent records at one end equals the
// counter of received records at the other.
func TestWhatIsCountedAsSentArrives(t *testing.T) {
	w := newWorld(t, 30)
	for i := range 500 {
		w.nodes[i%2].write(i, i%7 == 0)
		if i%50 == 0 {
			w.run(300 * time.Millisecond)
		}
	}
	w.run(3 * time.Second)
	w.converged()
	for i, n := range w.nodes {
		sent, got := n.state().Counters, w.nodes[1-i].state().Counters
		if sent.RecordsSent == 0 || sent.RecordsSent != got.RecordsReceived || sent.RecordsAcked != sent.RecordsSent ||
			sent.BytesSent != got.BytesReceived || sent.FramesSent != got.FramesReceived {
			t.Errorf("node %d counts %+v, the other end %+v", i, sent, got)
		}
	}
}

// TestComparisonThatWaitsInVainEnds: a comparison that waits for an answer that never comes
// ends with its connection.
func TestComparisonThatWaitsInVainEnds(t *testing.T) {
	w := newWorld(t, 32)
	w.nodes[0].write(1, false)
	w.run(time.Millisecond)
	swallowed := false
	for _, c := range w.ends() {
		c.mangle = func(b []byte) []byte {
			for rest := b; len(rest) > 0 && !swallowed; {
				f, n, err := nextFrame(rest)
				if n == 0 || err != nil {
					t.Fatal(n, err)
				}
				if swallowed = f.Type == frameDigests; swallowed {
					rest[2] = 200 // a frame of a newer release, which is skipped
				}
				rest = rest[n:]
			}
			return b
		}
	}
	w.run(30 * time.Second)
	if !swallowed || w.nodes[0].state().InSync || w.nodes[1].state().InSync {
		t.Fatal("nothing was lost")
	}
	w.run(time.Minute)
	w.converged()
	if w.nodes[0].state().Counters.LostProtocol+w.nodes[1].state().Counters.LostProtocol == 0 {
		t.Error("the connection did not end for it")
	}
}

// TestResynchronisationDiesWithItsConnection: a synchronisation whose connection has ended does
// not count as under way.
func TestResynchronisationDiesWithItsConnection(t *testing.T) {
	w := newWorld(t, 31)
	for i := range 2000 {
		w.nodes[i%2].write(i, false)
	}
	w.run(3 * time.Second)
	for range 3 {
		a := w.nodes[0]
		a.svc.Reset(w.now, &a.fx)
		a.carryOut()
		w.run(time.Millisecond) // under way
		w.cut()
		w.nodes[1].write(5000+w.rng.IntN(100), false)
		w.run(3 * time.Second)
		w.converged()
	}
}
