package rbs

import (
	"bufio"
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/golden"
)

// TestOlderPeer plays a recorded peer of the release before version 2 (testdata/peer-v1.txt,
// never to be recorded again: > is what the peer sent, < what its own release answered). Except
// for the HELLO, the answers must be the same, and both must hold the same records at the end.
func TestOlderPeer(t *testing.T) {
	store, clock := newMemory(1, 16), NewClock(time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC), after(0))
	put := func(i int, deleted bool) Record {
		r := Record{Key: keyOf(i), Deleted: deleted, Exclude: i%2 == 0, V1: i%5 == 4, Left: 260 * time.Second}
		r.Version = Version{clock.Now(after(0)), 1}
		store.put(r)
		return r
	}
	for i := range 8 {
		put(i, false)
	}
	clock.Observe(after(0), 0x019b774885000000) // the peer's record of host 10 was known here, and has left here
	put(10, true)
	streams := newSights()
	streams.own[streamOf(1)], streams.order = Arrival{Flows: true}, []Stream{streamOf(1)}
	s := newSession(after(0), sessionConfig{Device: 1, Boot: 101, Streams: streams, KeepaliveInterval: defaultKeepaliveInterval,
		DeadInterval: defaultDeadInterval}, store, clock, new(Counters))

	f, err := os.Open("testdata/peer-v1.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	now, part := after(0), 0
	var said []byte
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		kind, text, _ := strings.Cut(lines.Text(), " ")
		var b []byte
		if kind != "#" {
			b = golden.Hex(t, text)
		}
		switch kind {
		case "#":
			switch part++; part {
			case 2:
				s.Dirty(now, put(12, false).Key)
			case 3:
				now = after(defaultKeepaliveInterval)
				if err := s.Advance(now); err != nil {
					t.Fatal(err)
				}
			}
		case ">":
			if said == nil { // the peer sent this before it received the frame
				said = bytes.Clone(s.Output(now, maxChunk))
			}
			if err := s.Receive(now, b); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
		case "<":
			got := said
			if said = nil; len(got) == 0 {
				got = s.Output(now, maxChunk)
			}
			if frameType(b[2]) == frameHello {
				b[headerSize+7], b[headerSize+11] = maxVersion, byte(featureStatus|featureArriving)
				b = slices.Insert(b, headerSize+helloSize, 0, 0, 0, 0)
				b[1] += 4
			}
			if !bytes.Equal(sorted(got), sorted(b)) {
				t.Fatalf("it hears\n%x, from its own release it heard\n%x", got, b)
			}
		}
	}
	if !streams.older {
		t.Error("it is taken for a peer that tells of streams")
	}
	if !s.InSync() || s.version != version1 || s.peerDigest != totalDigest(store) || len(store.live()) != 10 {
		t.Fatalf("in sync %v, version %d, %d records with digest %x, the peer's is %x", s.InSync(), s.version, len(store.live()), totalDigest(store), s.peerDigest)
	}
}

// sorted sorts the records, here of equal size, of each RECORDS frame, because their
// order has no meaning.
func sorted(chunk []byte) (again []byte) {
	for len(chunk) > 0 {
		f, n, err := nextFrame(chunk)
		if n == 0 || err != nil {
			return nil
		}
		frame := bytes.Clone(chunk[:n])
		if f.Type == frameRecords {
			records := slices.Collect(slices.Chunk(f.Body[recordsFixed:], recordFixed))
			slices.SortFunc(records, bytes.Compare)
			frame = append(frame[:headerSize+recordsFixed:headerSize+recordsFixed], bytes.Join(records, nil)...)
		}
		again, chunk = append(again, frame...), chunk[n:]
	}
	return again
}
