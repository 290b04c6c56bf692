package rbs

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// greeted returns a session with a database of some records. Its peer has sent its HELLO.
func greeted(t *testing.T, buckets, records int) (*session, *memory) {
	t.Helper()
	m := newMemory(1, buckets)
	for i := range records {
		m.put(Record{Key: keyOf(i), Version: Version{Stamp(i + 1), 1}, Left: time.Minute})
	}
	s := testSession(m)
	s.cfg.Streams = newSights()
	hello := helloOf(2)
	hello.MaxVersion, hello.Buckets, hello.Features = maxVersion, uint32(buckets), featureArriving
	if err := s.Receive(after(0), AppendHello(nil, hello)); err != nil {
		t.Fatal(err)
	}
	return s, m
}

// heldFor returns how many entries a session holds for a peer that requests records and
// does not read them.
func (s *session) heldFor() int { return len(s.asked) + s.remaining() + len(s.tellLeaf) + len(s.ask) }

// TestPeerThatAsksAndDoesNotRead: a peer that sends requests without end and reads
// nothing costs at most a multiple of the database. Its connection is closed with an
// error.
func TestPeerThatAsksAndDoesNotRead(t *testing.T) {
	const buckets, records = 16, 500
	all := appendBucketRequest(nil, false)
	for range 8 { // everything but a bucket, again and again
		for b := range uint32(buckets - 1) {
			all = appendRequestEntry(all, 0, b, nil)
		}
	}
	leaves := make([]leafRequest, 4096)
	for i := range leaves {
		leaves[i].Leaf = uint16(i % (buckets * Leaves))
	}
	digests := make([]uint64, buckets)
	for i := range digests {
		digests[i] = uint64(i) + 1
	}
	end := appendBucketRequest(nil, true)
	for name, b := range map[string][]byte{
		"a bucket in one comparison":  all,
		"a bucket in each comparison": append(append([]byte{}, all...), end...),
		"nothing":                     end,
		"leaves":                      appendLeafRequest(nil, 1, leaves),
		"branches":                    append(appendBranchRequest(nil, 1, make([]uint32, 50)), end...),
		"by telling digests":          appendDigests(nil, 0, digests),
	} {
		s, m := greeted(t, buckets, records)
		var err error
		most := 0
		for range 10_000 {
			if err = s.Receive(after(0), b); err != nil {
				break
			}
			most = max(most, s.heldFor())
		}
		var protocol *protocolError
		if !errors.As(err, &protocol) || most > 10*m.Len() {
			t.Errorf("%s: %d entries are held with %d records, and then %v", name, most, m.Len(), err)
		}
	}
}

// TestAskedTwice: a record that is requested twice in a comparison is sent once.
func TestAskedTwice(t *testing.T) {
	s, m := greeted(t, 16, 500)
	for range 2 {
		for b := range uint32(15) {
			ask := appendRequestEntry(appendBucketRequest(nil, false), 0, b, nil)
			if err := s.Receive(after(0), ask); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Receive(after(0), appendBucketRequest(nil, true)); err != nil {
		t.Fatal(err)
	}
	if n := s.remaining(); n == 0 || n > m.Len() {
		t.Fatalf("%d of %d records are sent", n, m.Len())
	}
}

// TestPeerThatNeverReads: a peer that sends but never reads is given up, even if nothing waits
// for its acknowledgement.
func TestPeerThatNeverReads(t *testing.T) {
	s := NewService(newMemory(1, 16), NewClock(newYear, after(0)), 1, 1, rand.New(rand.NewPCG(1, 1)))
	var fx Effects
	s.Configure(after(0), Config{Local: addresses[0], Peer: addresses[1], Enabled: true}, &fx)
	s.Accepted(after(0), 1, addresses[1], Security{}, &fx)
	for _, b := range [][]byte{
		AppendHello(nil, helloOf(2)), appendDigests(nil, 0, make([]uint64, 16)), appendBucketRequest(nil, true),
		appendAck(appendEndOfSync(nil, 1), 1),
	} {
		s.Received(after(0), 1, b, &fx)
		s.Written(after(0), 1, &fx)
	}
	if !s.InSync() || len(fx.Close) > 0 {
		t.Fatalf("%+v", fx)
	}
	now := after(0)
	for ; len(fx.Close) == 0 && now < after(3*time.Minute); now = now.Add(defaultKeepaliveInterval) {
		s.Received(now, 1, appendKeepalive(nil, 0), &fx)
		s.Advance(now, &fx)
	}
	if len(fx.Close) == 0 || now > after(writeTimeout+time.Second) || s.State(now, newYear).Counters.LostProtocol != 1 {
		t.Fatalf("after %v: %+v", now, fx.Close)
	}
	if !strings.Contains(fx.Close[0].Reason, "has not read") {
		t.Fatal(fx.Close[0].Reason)
	}
}

// TestAbsurdClockIsRefused: a clock that is centuries ahead is refused. Otherwise this device
// would write stamps that no peer accepts.
func TestAbsurdClockIsRefused(t *testing.T) {
	ahead := func(years int) Stamp { return Stamp(newYear.AddDate(years, 0, 0).UnixMilli()) << counterBits }
	for _, c := range []struct {
		name    string
		reading Stamp
		ok      bool
	}{
		{"an hour", Stamp(newYear.Add(time.Hour).UnixMilli()) << counterBits, true},
		{"a year", ahead(1), true},
		{"all of what Linux can count", Stamp(1<<63/1_000_000) << counterBits, true},
		{"a thousand years", ahead(1000), false},
		{"the highest there is", maxStamp, false},
	} {
		hello := helloOf(2)
		hello.Clock = c.reading
		rec := goldenRecord
		rec.Version.Clock = c.reading
		for what, b := range map[string][]byte{
			"greeting": AppendHello(nil, hello),
			"record":   append(AppendHello(nil, helloOf(2)), appendRecord(appendRecords(nil, 1), 0, &rec)...),
		} {
			s := newSession(after(0), sessionConfig{Device: 1, DeadInterval: time.Second}, newMemory(1, 16), NewClock(newYear, after(0)), new(Counters))
			err := s.Receive(after(0), b)
			var protocol *protocolError
			if c.ok != (err == nil) || err != nil && !errors.As(err, &protocol) {
				t.Errorf("%s ahead in a %s: %v", c.name, what, err)
			}
			if _, err := parseHello(AppendHello(nil, Hello{1, 2, 0, 1, 1, s.clock.Now(after(time.Hour)), 1, 0})[headerSize:]); err != nil {
				t.Errorf("%s ahead in a %s: our own greeting is malformed now: %v", c.name, what, err)
			}
		}
	}
}

// TestFarClockIsNotRepeated: records whose clocks are further and further ahead set the
// clock of this device forward once, and no more. A peer then accepts this device's
// stamps, even a peer that has started afterwards, and one whose own time is a second
// behind.
func TestFarClockIsNotRepeated(t *testing.T) {
	const year = Stamp(365*24*3600*1000) << counterBits
	clock, refused := NewClock(newYear, after(0)), 0
	for range 15 {
		s := newSession(after(0), sessionConfig{Device: 1, DeadInterval: time.Second}, newMemory(1, 16), clock, new(Counters))
		rec := goldenRecord
		rec.Version.Clock = clock.reading(after(0)) + 299*year
		b := append(AppendHello(nil, helloOf(2)), appendRecord(appendRecords(nil, 1), 0, &rec)...)
		if s.Receive(after(0), b) != nil {
			refused++
		}
	}
	if refused != 14 || clock.ahead != (299*year).millis() {
		t.Errorf("%d of 15 records are refused, the clock is ahead by %d ms", refused, clock.ahead)
	}
	// Now the peer sends the highest reading that is accepted.
	low, high := clock.reading(after(0)), maxStamp
	for low+1 < high {
		if mid := low + (high-low)/2; clock.believes(after(0), mid) {
			low = mid
		} else {
			high = mid
		}
	}
	clock.Observe(after(0), low)
	for _, behind := range []time.Duration{0, time.Second} {
		peer := NewClock(newYear.Add(-behind), after(0))
		at := after(2*behind + time.Millisecond)
		if said := clock.Now(at); !peer.believes(at, said) {
			t.Errorf("a peer that is %v behind refuses %v", behind, said.Time())
		}
		said := peer.Now(at)
		peer.Observe(at, clock.Now(at))
		if peer.Now(at) <= said || !clock.believes(at, peer.Now(at)) {
			t.Errorf("what a peer that is %v behind answers is not believed", behind)
		}
	}
}

// TestPeerThatSaysAnything: the peer sends well-formed frames in any order. The answers are
// well-formed, the memory for it is bounded, and the session ends only by an error.
func TestPeerThatSaysAnything(t *testing.T) {
	short := []frameType{frameKeepalive, frameAck, frameEndOfSync, frameStatusRequest, frameStatus} // these frames have no content that could be wrong
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		s, m := greeted(t, []int{1, 16, 300}[rng.IntN(3)], rng.IntN(300))
		now := after(0)
		for said := uint64(0); rng.IntN(60) > 0; {
			b := anything(rng, m, s, &said)
			if s.Receive(now, b) != nil || s.Advance(now) != nil {
				break
			}
			if n := s.heldFor(); n > 2*(overlapping+1)*(m.Len()+s.parts()) {
				t.Fatalf("seed %d: %d entries are held", seed, n)
			}
			if rng.IntN(3) == 0 {
				key := keyOf(rng.IntN(300))
				m.put(Record{Key: key, Version: Version{s.clock.Now(now), 1}, Deleted: rng.IntN(2) == 0})
				s.Dirty(now, key)
			}
			for out := s.Output(now, maxChunk); rng.IntN(2) == 0 && len(out) > 0; {
				f, n, err := nextFrame(out)
				if n == 0 || err != nil || remake(f) == nil && !slices.Contains(short, f.Type) {
					t.Fatalf("seed %d: %x: %v", seed, out, err)
				}
				out = out[n:]
			}
			now = now.Add(time.Duration(rng.IntN(500)) * time.Millisecond)
		}
	}
}

// anything returns a well-formed frame that no real peer would send.
func anything(rng *rand.Rand, m *memory, s *session, said *uint64) []byte {
	buckets := m.Buckets()
	some := func() (n uint32) { return uint32(rng.IntN(buckets + 1)) }
	rec := Record{Key: keyOf(rng.IntN(300)), Version: Version{Stamp(rng.IntN(1000)), uint64(rng.IntN(3))}, Deleted: rng.IntN(2) == 0}
	switch rng.IntN(14) {
	case 0:
		digests := make([]uint64, buckets)
		for i := range digests {
			if digests[i] = m.Digest(i); rng.IntN(2) == 0 {
				digests[i] = rng.Uint64N(3)
			}
		}
		return appendDigests(nil, 0, digests)
	case 1:
		return appendDigests(nil, some(), make([]uint64, 1+rng.IntN(3)))
	case 2, 3:
		b := appendBucketRequest(nil, rng.IntN(2) == 0)
		for range rng.IntN(2 * buckets) {
			b = appendRequestEntry(b, 0, some()%uint32(buckets), make([]uint64, rng.IntN(2)))
		}
		return b
	case 4:
		*said++
		return appendRecord(appendRecords(nil, *said), 0, &rec)
	case 5:
		*said++
		return appendBatch(*said, &rec, &rec)
	case 6:
		return appendAck(nil, uint64(rng.IntN(int(s.window.last)+1)))
	case 7:
		*said++
		return appendEndOfSync(nil, *said)
	case 8:
		return appendKeepalive(nil, rng.Uint64N(2)*totalDigest(m))
	case 9:
		return appendBranchRequest(nil, rng.Uint64(), []uint32{some(), some()})
	case 10:
		var values [Leaves]uint32
		for i := range values {
			values[i] = rng.Uint32N(4)
		}
		return appendBranch(nil, some(), &values)
	case 11:
		return appendLeafRequest(nil, rng.Uint64(), []leafRequest{{Leaf: uint16(rng.IntN(1 << 16)), Held: make([]uint32, rng.IntN(3))}, {Leaf: uint16(some())}})
	}
	if rng.IntN(2) == 0 {
		a := Arrival{Stream: streamOf(rng.IntN(300)), Flows: rng.IntN(2) == 0, Withdrawn: rng.IntN(2) == 0}
		return appendArrival(appendArriving(nil, byte(rng.IntN(256))), 0, &a)
	}
	return appendStatus(appendStatusRequest(nil), []byte("{"))
}
