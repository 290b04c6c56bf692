package rbs

import (
	"testing"
	"time"
)

// TestBranches: if a bucket has many records, those that differ are found by its leaves, and
// little else is sent. This is tested with changes and leaves on both sides, twice.
func TestBranches(t *testing.T) {
	const records, changes = 4000, 40
	for seed := range uint64(3) {
		w := newWorld(t, seed)
		for _, n := range w.nodes {
			n.boot(1)
		}
		for i := range records {
			w.nodes[0].write(i, false)
		}
		w.run(20 * time.Second)
		w.converged()
		whole := w.bytes()
		for round := range 2 {
			before := w.bytes()
			w.partition = true
			w.cut()
			for range changes / 2 {
				for _, n := range w.nodes {
					n.write(w.rng.IntN(records+changes), w.rng.IntN(3) == 0)
				}
			}
			w.partition = false
			w.run(2 * time.Second)
			w.converged()
			if part := w.bytes() - before; 100*part > 12*whole {
				t.Errorf("seed %d, round %d: %d bytes to exchange %d records of %d, all of them took %d", seed, round, part, changes, records, whole)
			}
		}
	}
}

// bytes returns how many bytes both ends have sent.
func (w *world) bytes() (n uint64) {
	for _, node := range w.nodes {
		n += node.svc.kept.Counters.BytesSent
	}
	return n
}

// TestSaltChanges: two leaves whose digests are equal by chance differ in the next comparison.
func TestSaltChanges(t *testing.T) {
	s := testSession(newMemory(1, 1))
	hello := helloOf(2)
	hello.MaxVersion, hello.Buckets = maxVersion, 1
	if err := s.Receive(after(0), AppendHello(nil, hello)); err != nil {
		t.Fatal(err)
	}
	var salts []uint64
	for range 2 {
		if err := s.Receive(after(0), appendDigests(nil, 0, []uint64{0})); err != nil {
			t.Fatal(err)
		}
		salts = append(salts, s.salt)
	}
	if salts[0] == salts[1] {
		t.Fatalf("both comparisons are salted with %x", salts[0])
	}
}

// TestSameLeaf checks which values of a leaf make a request unnecessary. A leaf of which
// the peer has no live record is not requested in vain.
func TestSameLeaf(t *testing.T) {
	for _, c := range []struct {
		ours, peer uint32
		same       bool
	}{
		{leafEmpty, leafEmpty, true},
		{77, leafEmpty, true}, // the requester has no record in it
		{leafEmpty, leafTombstones, true},
		{77, leafTombstones, false},
		{leafTombstones, leafTombstones, true},
		{leafEmpty, 77, false},
		{77, 77, true},
		{77, 78, false},
	} {
		if got := sameLeaf(c.ours, c.peer); got != c.same {
			t.Errorf("ours %d, the peer's %d: same %v", c.ours, c.peer, got)
		}
	}
}

// TestWhoHasLessToTellPullsFirst: whichever end has written records during an outage, the
// other end does not send its old versions of them.
func TestWhoHasLessToTellPullsFirst(t *testing.T) {
	for writer := range 2 {
		w := newWorld(t, 40)
		for i := range 500 {
			w.nodes[0].write(i, false)
		}
		w.run(10 * time.Second)
		w.partition = true
		w.run(3 * time.Second)
		for i := range 50 {
			w.nodes[writer].write(i, false)
		}
		w.partition = false
		w.run(10 * time.Second)
		w.converged()
		if st := w.nodes[writer].state().LastDifference; st.Sent != 50 || st.Received != 0 {
			t.Errorf("node %d has sent %d records and received %d, want its 50 and none", writer, st.Sent, st.Received)
		}
	}
}
