package rbs

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// greeted returns a session with a database of some records, whose peer has greeted.
func greeted(t *testing.T, buckets, records int) (*Session, *memory) {
	t.Helper()
	m := newMemory(1, buckets)
	for i := range records {
		m.put(Record{Key: keyOf(i), Version: Version{Stamp(i + 1), 1}, Left: time.Minute})
	}
	s := newSession(m)
	hello := helloOf(2)
	hello.MaxVersion, hello.Buckets = MaxVersion, uint32(buckets)
	if err := s.Receive(0, AppendHello(nil, hello)); err != nil {
		t.Fatal(err)
	}
	return s, m
}

// heldFor is how many entries a session holds for what its peer asks and does not read.
func (s *Session) heldFor() int { return len(s.asked) + s.remaining() + len(s.tellLeaf) + len(s.ask) }

// A peer that asks for ever and reads nothing costs a multiple of the database at most, and is told what is wrong.
func TestPeerThatAsksAndDoesNotRead(t *testing.T) {
	const buckets, records = 16, 500
	all := AppendBucketRequest(nil, false)
	for range 8 { // everything but a bucket, again and again
		for b := range uint32(buckets - 1) {
			all = AppendRequestEntry(all, 0, b, nil)
		}
	}
	leaves := make([]LeafRequest, 4096)
	for i := range leaves {
		leaves[i].Leaf = uint16(i % (buckets * Leaves))
	}
	digests := make([]uint64, buckets)
	for i := range digests {
		digests[i] = uint64(i) + 1
	}
	end := AppendBucketRequest(nil, true)
	for name, b := range map[string][]byte{
		"a bucket in one comparison":  all,
		"a bucket in each comparison": append(append([]byte{}, all...), end...),
		"nothing":                     end,
		"leaves":                      AppendLeafRequest(nil, 1, leaves),
		"branches":                    append(AppendBranchRequest(nil, 1, make([]uint32, 50)), end...),
		"by telling digests":          AppendDigests(nil, 0, digests),
	} {
		s, m := greeted(t, buckets, records)
		var err error
		most := 0
		for range 10_000 {
			if err = s.Receive(0, b); err != nil {
				break
			}
			most = max(most, s.heldFor())
		}
		var protocol *ProtocolError
		if !errors.As(err, &protocol) || most > 10*m.Len() {
			t.Errorf("%s: %d entries are held with %d records, and then %v", name, most, m.Len(), err)
		}
	}
}

// What is asked for twice in a comparison is sent once.
func TestAskedTwice(t *testing.T) {
	s, m := greeted(t, 16, 500)
	for range 2 {
		for b := range uint32(15) {
			ask := AppendRequestEntry(AppendBucketRequest(nil, false), 0, b, nil)
			if err := s.Receive(0, ask); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Receive(0, AppendBucketRequest(nil, true)); err != nil {
		t.Fatal(err)
	}
	if n := s.remaining(); n == 0 || n > m.Len() {
		t.Fatalf("%d of %d records are sent", n, m.Len())
	}
}

// A peer that is heard and reads nothing is given up, although nothing waits for its acknowledgement.
func TestPeerThatNeverReads(t *testing.T) {
	s := NewService(newMemory(1, 16), NewClock(newYear, 0), 1, 1, rand.New(rand.NewPCG(1, 1)))
	var fx Effects
	s.Configure(0, Config{Local: addresses[0], Peer: addresses[1], Enabled: true}, &fx)
	s.Accepted(0, 1, addresses[1], &fx)
	for _, b := range [][]byte{
		AppendHello(nil, helloOf(2)), AppendDigests(nil, 0, make([]uint64, 16)), AppendBucketRequest(nil, true),
		AppendAck(AppendEndOfSync(nil, 1), 1),
	} {
		s.Received(0, 1, b, &fx)
		s.Written(0, 1, &fx)
	}
	if !s.InSync() || len(fx.Close) > 0 {
		t.Fatalf("%+v", fx)
	}
	now := time.Duration(0)
	for ; len(fx.Close) == 0 && now < 3*time.Minute; now += DefaultKeepaliveInterval {
		s.Received(now, 1, AppendKeepalive(nil, 0), &fx)
		s.Advance(now, &fx)
	}
	if len(fx.Close) == 0 || now > writeTimeout+time.Second || s.State(now, newYear).Counters.LostProtocol != 1 {
		t.Fatalf("after %v: %+v", now, fx.Close)
	}
	if !strings.Contains(fx.Close[0].Reason, "has not read") {
		t.Fatal(fx.Close[0].Reason)
	}
}

// A clock that is centuries ahead is garbage. Who took it over would stamp what no peer accepts.
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
		{"the highest there is", MaxStamp, false},
	} {
		hello := helloOf(2)
		hello.Clock = c.reading
		rec := goldenRecord
		rec.Version.Clock = c.reading
		for what, b := range map[string][]byte{
			"greeting": AppendHello(nil, hello),
			"record":   append(AppendHello(nil, helloOf(2)), AppendRecord(AppendRecords(nil, 1), 0, &rec)...),
		} {
			s := NewSession(0, SessionConfig{Device: 1, DeadInterval: time.Second}, newMemory(1, 16), NewClock(newYear, 0), new(Counters))
			err := s.Receive(0, b)
			var protocol *ProtocolError
			if c.ok != (err == nil) || err != nil && !errors.As(err, &protocol) {
				t.Errorf("%s ahead in a %s: %v", c.name, what, err)
			}
			if _, err := ParseHello(AppendHello(nil, Hello{1, 2, 0, 1, 1, s.clock.Now(time.Hour), 1, 0})[HeaderSize:]); err != nil {
				t.Errorf("%s ahead in a %s: our own greeting is malformed now: %v", c.name, what, err)
			}
		}
	}
}
