package rbs

import (
	"iter"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/instant"
)

// sights is a Streams for tests, like that of a device.
type sights struct {
	blind bool
	own   map[Stream]Arrival
	order []Stream
	room  int

	peer     map[Stream]Arrival // what the peer has reported
	told     int                // number of reports received
	begun    int
	complete bool
	older    bool
}

func newSights() *sights {
	return &sights{own: map[Stream]Arrival{}, peer: map[Stream]Arrival{}, room: math.MaxInt}
}

func (s *sights) Observed() bool              { return !s.blind }
func (s *sights) PeerCannotTell(instant.Time) { s.older = true }
func (s *sights) PeerComplete(instant.Time)   { s.complete = true }

func (s *sights) Arriving() iter.Seq[Stream] {
	return func(yield func(Stream) bool) {
		for _, k := range s.order {
			if a := s.own[k]; (a.Flows || a.StandsIn) && !yield(k) {
				return
			}
		}
	}
}

func (s *sights) Arrival(_ instant.Time, k Stream) Arrival {
	a := s.own[k]
	a.Stream = k
	return a
}

func (s *sights) PeerBegins(instant.Time) {
	s.peer, s.complete = map[Stream]Arrival{}, false
	s.begun++
}

func (s *sights) PeerTells(_ instant.Time, a *Arrival) bool {
	s.told++
	if s.peer[a.Stream] = *a; !a.Flows && !a.StandsIn {
		delete(s.peer, a.Stream)
	}
	if len(s.peer) > s.room {
		delete(s.peer, a.Stream)
		return false
	}
	return true
}

// streamOf returns the i-th stream.
func streamOf(i int) Stream {
	return Stream{Source: netip.MustParseAddr("2001:db8::1"), Group: keyOf(i).Group}
}

// see changes what a node can report about a stream.
func (n *node) see(i int, a Arrival) {
	k := streamOf(i)
	if _, known := n.sights.own[k]; !known {
		n.sights.order = append(n.sights.order, k)
	}
	a.Stream = k
	n.sights.own[k] = a
	n.svc.StreamChanged(n.w.now, k)
}

// told fails unless each node knows which streams flow at the other.
func (w *world) told() {
	w.t.Helper()
	for i, n := range w.nodes {
		theirs := w.nodes[1-i].sights
		want := slices.Collect(theirs.Arriving())
		if !n.sights.complete || len(n.sights.peer) != len(want) {
			w.t.Fatalf("node %d: complete %v, %d streams told, want %d", i, n.sights.complete, len(n.sights.peer), len(want))
		}
		for _, k := range want {
			if got := n.sights.peer[k]; got != theirs.Arrival(w.now, k) {
				w.t.Fatalf("node %d: %+v, want %+v", i, got, theirs.Arrival(w.now, k))
			}
		}
	}
}

// TestStreamsAreToldWholeAndThenByChanges: a new connection carries the whole list, also
// one of 2,000 streams, which takes more than one frame. After that, each change costs
// one entry.
func TestStreamsAreToldWholeAndThenByChanges(t *testing.T) {
	w := newWorld(t, 1)
	for i := range 2000 {
		w.nodes[i%2].see(i, Arrival{Flows: true, Age: time.Duration(i) * time.Millisecond})
	}
	w.run(time.Second)
	w.told()
	told := w.nodes[1].sights.told
	w.nodes[0].see(4, Arrival{Age: 25 * time.Millisecond})
	w.nodes[0].see(6, Arrival{Flows: true, StandsIn: true})
	w.nodes[0].see(8, Arrival{Withdrawn: true, Age: math.MaxInt64})
	w.run(10 * time.Millisecond)
	w.told()
	if got := w.nodes[1].sights.told - told; got != 3 {
		t.Errorf("%d entries for 3 changes", got)
	}
	w.cut()
	w.nodes[1].see(5, Arrival{})
	w.run(time.Second)
	w.told()
	if sent, got := w.nodes[0].state().Counters.StreamsSent, w.nodes[1].state().Counters.StreamsReceived; sent != got || sent < 2000 {
		t.Errorf("%d entries sent, %d received", sent, got)
	}
}

// TestChangesOfStreamsAreCoalesced: a stream that changes often while the connection is
// busy is reported once, with its state at that time.
func TestChangesOfStreamsAreCoalesced(t *testing.T) {
	w := newWorld(t, 2)
	w.run(time.Second)
	w.slow = 20 * time.Millisecond
	told := w.nodes[1].sights.told
	for i := range 100 {
		w.nodes[0].see(1, Arrival{Flows: i%2 == 1})
		w.run(time.Millisecond)
	}
	w.run(time.Second)
	w.told()
	if got := w.nodes[1].sights.told - told; got > 10 {
		t.Errorf("told %d times", got)
	}
}

// TestBlindDeviceSaysSo: a device that cannot observe streams reports none, and reports
// all of them when it can.
func TestBlindDeviceSaysSo(t *testing.T) {
	w := newWorld(t, 3)
	n, peer := w.nodes[0], w.nodes[1]
	n.sights.blind = true
	n.see(1, Arrival{Flows: true})
	w.run(time.Second)
	if peer.sights.complete || len(peer.sights.peer) != 0 || peer.sights.begun != 1 {
		t.Fatalf("told by a device that sees nothing: %+v", peer.sights)
	}
	n.sights.blind = false
	n.svc.TellStreams(w.now)
	w.run(100 * time.Millisecond)
	w.told()
	n.sights.blind = true
	n.svc.TellStreams(w.now)
	w.run(100 * time.Millisecond)
	if peer.sights.complete || len(peer.sights.peer) != 0 {
		t.Fatalf("told by a device that sees nothing any more: %+v", peer.sights)
	}
}

// TestStreamsWithoutRoomAreCounted: streams for which there is no room are counted, and
// the connection goes on.
func TestStreamsWithoutRoomAreCounted(t *testing.T) {
	w := newWorld(t, 4)
	w.nodes[1].sights.room = 10
	for i := range 30 {
		w.nodes[0].see(i, Arrival{Flows: true})
	}
	w.run(time.Second)
	if st := w.nodes[1].state(); st.Counters.StreamsFull != 20 || !st.InSync {
		t.Errorf("%d counted, in sync %v", st.Counters.StreamsFull, st.InSync)
	}
}

// TestStreamsOfAnOldRelease: a peer without the feature gets no reports, and the caller
// learns that.
func TestStreamsOfAnOldRelease(t *testing.T) {
	s, known := testSession(newMemory(1, 16)), newSights()
	s.cfg.Streams = known
	hello := AppendHello(nil, helloOf(2))
	if err := s.Receive(after(0), append(hello, goldenFrames["ARRIVING"]...)); err != nil {
		t.Fatal(err)
	}
	if s.streams.pending() || !known.older || known.begun+known.told != 0 || s.counters.UnknownFrames != 1 {
		t.Errorf("pending %v, %+v, %d frames unknown", s.streams.pending(), known, s.counters.UnknownFrames)
	}
}

// TestStreamsUnderFaults: after cuts and slow connections, each node finally knows which
// streams flow at the other.
func TestStreamsUnderFaults(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, 100+seed)
		rng := rand.New(rand.NewPCG(seed, 2))
		for range 40 {
			for range rng.IntN(300) {
				w.nodes[rng.IntN(2)].see(rng.IntN(900), Arrival{Flows: rng.IntN(3) > 0, StandsIn: rng.IntN(9) == 0})
			}
			switch rng.IntN(8) {
			case 0:
				w.cut()
			case 1:
				w.slow = time.Duration(rng.IntN(30)) * time.Millisecond
			case 2:
				w.nodes[rng.IntN(2)].svc.TellStreams(w.now)
			case 3:
				w.nodes[rng.IntN(2)].write(rng.IntN(100), false)
			}
			w.run(time.Duration(rng.IntN(300)) * time.Millisecond)
		}
		w.slow = 0
		w.run(20 * time.Second)
		w.told()
		w.converged()
	}
}
