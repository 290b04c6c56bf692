package fibtest

import (
	"net/netip"
	"slices"

	"tandem/internal/device"
	"tandem/internal/etrunk"
)

// marked are the exceptions that let the mark pass every gate of these tests.
var marked = []device.SourceGroup{Stream(mark)}

// testGate: an interface that the gate closes sends nothing. An interface of one bucket
// sends only that bucket. Any other interface sends everything. The packets that the gate
// holds back are counted.
func testGate(b *Bed) {
	b.Open(device.Gate{})
	first, second := inBucket(0), inBucket(1)
	if len(first) == 0 || len(second) == 0 {
		b.Fatalf("all streams are in one bucket: %v, %v", first, second)
	}
	for i := range mark {
		b.SetRoutes(Route(i, "d0", "d1"))
	}
	for _, step := range []struct {
		name          string
		gate          device.Gate
		first, second [2]bool // the hosts at which streams of bucket 0 and of bucket 1 arrive
	}{
		{"open", device.Gate{}, atBoth, atBoth},
		{"d0 closed", device.Gate{Closed: []string{"d0"}}, atSecond, atSecond},
		{"d0 sends bucket 0", device.Gate{Bucket0: []string{"d0"}}, atBoth, atSecond},
		{"d0 sends bucket 1", device.Gate{Bucket1: []string{"d0"}}, atSecond, atBoth},
		{"d0 sends bucket 0, d1 bucket 1", device.Gate{Bucket0: []string{"d0"}, Bucket1: []string{"d1"}}, atFirst, atSecond},
		{"d0 closed, d1 bucket 0", device.Gate{Closed: []string{"d0"}, Bucket0: []string{"d1"}}, atSecond, nowhere},
		{"open again", device.Gate{}, atBoth, atBoth},
	} {
		step.gate.Exceptions = marked
		before := b.State().Gate
		b.SetGate(step.gate)
		for i := range mark {
			want := [2][2]bool{step.first, step.second}[etrunk.BucketOf(Stream(i).Source, Stream(i).Group)]
			b.Expect(step.name, i, want)
		}
		after := b.State().Gate
		if !slices.Equal(after.Closed, step.gate.Closed) || !slices.Equal(after.Bucket0, step.gate.Bucket0) ||
			!slices.Equal(after.Bucket1, step.gate.Bucket1) || after.Exceptions != 1 || after.Repairs != 0 {
			b.Errorf("%s: the plane says %+v", step.name, after)
		}
		for _, c := range []struct {
			what    string
			counted uint64
			want    int
		}{
			{"closed", after.DroppedClosed - before.DroppedClosed, len(step.gate.Closed) * mark},
			{"bucket 0", after.DroppedBucket0 - before.DroppedBucket0, len(step.gate.Bucket0) * len(second)},
			{"bucket 1", after.DroppedBucket1 - before.DroppedBucket1, len(step.gate.Bucket1) * len(first)},
		} {
			if c.counted != uint64(c.want) {
				b.Errorf("%s: %d packets were held back by %s, want %d", step.name, c.counted, c.what, c.want)
			}
		}
	}
	if c := b.plane.Conditions(); len(c) != 0 {
		b.Errorf("conditions %v", c)
	}
}

// testGateFromTheStart: the gate with which a plane is opened is in force from its first
// route on.
func testGateFromTheStart(b *Bed) {
	b.Open(device.Gate{Closed: []string{"d0"}, Exceptions: marked})
	b.SetRoutes(Route(0, "d0", "d1"))
	b.Expect("d0 was closed from the start", 0, atSecond)
}

// testExceptions: an excepted stream passes a closed gate and the gate of the other bucket.
// No other stream does.
func testExceptions(b *Bed) {
	first, second := inBucket(0), inBucket(1)
	b.Open(device.Gate{})
	b.SetRoutes(Route(first[0], "d0", "d1"), Route(second[0], "d0", "d1"), Route(second[1], "d0", "d1"))
	excepted := append([]device.SourceGroup{Stream(second[0])}, marked...)
	b.SetGate(device.Gate{Closed: []string{"d0"}, Bucket0: []string{"d1"}, Exceptions: excepted})
	b.Expect("excepted", second[0], atBoth)
	b.Expect("not excepted, of the other bucket", second[1], nowhere)
	b.Expect("not excepted, of the bucket", first[0], atSecond)
	b.SetGate(device.Gate{Closed: []string{"d0"}, Bucket0: []string{"d1"}, Exceptions: marked})
	b.Expect("excepted no more", second[0], nowhere)
	// 5000 is the largest number of exceptions that two devices hand over at once.
	for i := range 5000 {
		s := Stream(0)
		g := s.Group.As16()
		g[8], g[9] = byte(i>>8), byte(i)
		excepted = append(excepted, device.SourceGroup{Source: s.Source, Group: netip.AddrFrom16(g)})
	}
	b.SetGate(device.Gate{Closed: []string{"d0"}, Bucket0: []string{"d1"}, Exceptions: excepted})
	b.Expect("excepted among many", second[0], atBoth)
}
