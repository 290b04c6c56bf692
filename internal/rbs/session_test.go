package rbs

import (
	"errors"
	"testing"
	"time"
)

func testSession(store Store) *session {
	return newSession(after(0), sessionConfig{
		Device: 1, KeepaliveInterval: defaultKeepaliveInterval, DeadInterval: defaultDeadInterval,
	}, store, NewClock(time.Unix(1e9, 0), after(0)), new(Counters))
}

func helloOf(device uint64) Hello {
	return Hello{MinVersion: 1, MaxVersion: 1, Device: device, Buckets: 16, Clock: 1}
}

func TestGreeting(t *testing.T) {
	newer, future, same := helloOf(2), helloOf(2), helloOf(1)
	newer.MaxVersion = 7
	future.MinVersion, future.MaxVersion = 3, 7
	table := []struct {
		name string
		in   []byte
		want errorCode // 0 for a HELLO that is accepted
	}{
		{"same release", AppendHello(nil, helloOf(2)), 0},
		{"newer release", AppendHello(nil, newer), 0},
		{"newer release that has dropped this version", AppendHello(nil, future), codeVersion},
		{"own device ID", AppendHello(nil, same), codeIdentity},
		{"no greeting", appendAck(nil, 0), codeProtocol},
		{"greeting twice", AppendHello(AppendHello(nil, helloOf(2)), helloOf(2)), codeProtocol},
	}
	for _, c := range table {
		s := testSession(newMemory(1, 16))
		err := s.Receive(after(0), c.in)
		var protocol *protocolError
		switch {
		case c.want == 0 && (err != nil || !s.Established()):
			t.Errorf("%s: %v", c.name, err)
		case c.want != 0 && (!errors.As(err, &protocol) || protocol.Code != c.want):
			t.Errorf("%s: %v, want code %v", c.name, err, c.want)
		case c.want != 0 && (s.Output(after(0), maxChunk) != nil || s.Receive(after(0), nil) == nil):
			t.Errorf("%s: the session goes on", c.name)
		}
	}
}

func TestUnknownFrameTypeIsSkipped(t *testing.T) {
	s := testSession(newMemory(1, 16))
	b := AppendHello(nil, helloOf(2))
	b = append(b, 0, 6, 200, 0, 'h', 'i')
	b = appendKeepalive(b, 77)
	for i := range b { // byte by byte
		if err := s.Receive(after(0), b[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if s.peerDigest != 77 || s.counters.UnknownFrames != 1 || s.counters.FramesReceived != 3 {
		t.Fatalf("%x, %+v", s.peerDigest, s.counters)
	}
}

func TestOutOfOrderSequenceEndsTheSession(t *testing.T) {
	for name, b := range map[string][]byte{
		"gap":         appendRecords(nil, 2),
		"ack of none": appendAck(nil, 1),
		"digests":     appendDigests(nil, 1, []uint64{0}),
		"bucket":      appendRequestEntry(appendBucketRequest(nil, true), 0, 16, nil),
	} {
		s := testSession(newMemory(1, 16))
		var protocol *protocolError
		if err := s.Receive(after(0), append(AppendHello(nil, helloOf(2)), b...)); !errors.As(err, &protocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWindowBoundsWhatIsUnderWay(t *testing.T) {
	m := newMemory(1, 16)
	s := testSession(m)
	if err := s.Receive(after(0), AppendHello(nil, helloOf(2))); err != nil {
		t.Fatal(err)
	}
	key := goldenRecord.Key
	m.put(goldenRecord)
	for range 2 * maxInFlight { // the peer acknowledges nothing
		s.Dirty(after(0), key)
		s.Output(after(0), maxChunk)
	}
	if n := s.window.records; n != maxInFlight {
		t.Fatalf("%d records under way, want %d", n, maxInFlight)
	}
	if s.Pending() {
		t.Fatal("with a full window there is nothing to send")
	}
	if err := s.Receive(after(0), appendAck(nil, s.window.last)); err != nil {
		t.Fatal(err)
	}
	if m.acked[key] != goldenRecord.Version || !s.Pending() {
		t.Fatal("an acknowledgement must open the window")
	}
}

func TestLargestRecordIsSentAndALargerOneIsCounted(t *testing.T) {
	m := newMemory(1, 16)
	s := testSession(m)
	if err := s.Receive(after(0), AppendHello(nil, helloOf(2))); err != nil {
		t.Fatal(err)
	}
	s.Output(after(0), maxChunk)
	rec := goldenRecord
	for len(rec.Sources) < maxSources {
		rec.Sources = append(rec.Sources, rec.Host)
	}
	m.put(rec)
	s.Dirty(after(0), rec.Key)
	s.ackDue, s.keepaliveDue = true, true
	if b := s.Output(after(0), maxChunk); len(b) < maxSources*sourceSize || len(b) > maxChunk {
		t.Fatalf("%d bytes", len(b))
	}
	rec.Sources = append(rec.Sources, rec.Host)
	m.put(rec)
	s.Dirty(after(0), rec.Key)
	if b := s.Output(after(0), maxChunk); b != nil || s.counters.RecordsTooLarge != 1 {
		t.Fatalf("%d bytes, %+v", len(b), s.counters)
	}
}

func TestFrameThatNeverEnds(t *testing.T) {
	s := testSession(newMemory(1, 16))
	if err := s.Receive(after(0), append(AppendHello(nil, helloOf(2)), 0xff)); err != nil {
		t.Fatal(err)
	}
	var err error
	now := after(0)
	for ; err == nil && now < after(time.Minute); now = now.Add(time.Second) {
		if err = s.Advance(now); err == nil {
			err = s.Receive(now, []byte{0})
		}
	}
	var protocol *protocolError
	if !errors.As(err, &protocol) || now > after(stallTimeout+2*time.Second) {
		t.Fatalf("%v after %v", err, now)
	}
}

func TestPeerThatLosesAFrame(t *testing.T) {
	m := newMemory(1, 16)
	s := testSession(m)
	if err := s.Receive(after(0), AppendHello(nil, helloOf(2))); err != nil {
		t.Fatal(err)
	}
	m.put(goldenRecord)
	s.Dirty(after(0), goldenRecord.Key)
	s.Output(after(0), maxChunk)
	var err error
	now := after(0)
	for ; err == nil && now < after(time.Minute); now = now.Add(time.Second) {
		if err = s.Advance(now); err == nil {
			err = s.Receive(now, appendKeepalive(nil, 0))
		}
	}
	var protocol *protocolError
	if !errors.As(err, &protocol) || now > after(stallTimeout+2*time.Second) {
		t.Fatalf("%v after %v", err, now)
	}
}

// FuzzSession sends a session any bytes in two pieces. It must not panic, and its answers must
// be well-formed.
func FuzzSession(f *testing.F) {
	for _, g := range goldenFrames {
		f.Add(g, 3)
	}
	f.Add(appendEndOfSync(appendRecord(appendRecords(nil, 1), 0, &goldenRecord), 2), 20)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		m := newMemory(1, 16)
		m.put(goldenRecord)
		s := testSession(m)
		s.cfg.Streams = newSights()
		hello := helloOf(2)
		hello.MaxVersion, hello.Features = maxVersion, featureArriving
		if err := s.Receive(after(0), AppendHello(nil, hello)); err != nil {
			t.Fatal(err)
		}
		cut = min(max(cut, 0), len(b))
		if s.Receive(after(0), b[:cut]) == nil {
			_ = s.Receive(after(0), b[cut:])
		}
		for out := s.Output(after(0), maxChunk); len(out) > 0; {
			_, n, err := nextFrame(out)
			if n == 0 || err != nil {
				t.Fatalf("%x: %v", out, err)
			}
			out = out[n:]
		}
	})
}
