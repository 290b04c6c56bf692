package kernel

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/device"
	"tandem/internal/fib"
	"tandem/internal/fib/fibtest"
	"tandem/internal/linux/arrivals"
	"tandem/internal/linux/clock"
	"tandem/internal/linux/testnet"
)

// TestStreamsSeenWithoutBPF: without BPF, the counters of the table show which streams
// arrive.
func TestStreamsSeenWithoutBPF(t *testing.T) {
	openBPF = func(int) (*arrivals.Observer, error) { return nil, errors.New("there is none") }
	t.Cleanup(func() { openBPF = arrivals.Open })
	fibtest.Run(t, kind, "StreamsSeen")
}

// steady is an observer of streams, one in twenty of which flows.
type steady struct {
	used arrivals.Slot
	now  time.Duration
}

func (*steady) Watch(int) error                             { return nil }
func (*steady) Unwatch(int)                                 {}
func (*steady) Close()                                      {}
func (*steady) Remove(arrivals.Stream, arrivals.Slot) error { return nil }

func (s *steady) Add(streams []arrivals.Stream) (slots []arrivals.Slot, err error) {
	for range streams {
		slots = append(slots, s.used)
		s.used++
	}
	return slots, nil
}

func (s *steady) At(slot arrivals.Slot) (packets uint64, last time.Duration) {
	if slot%20 != 0 {
		return 0, 0
	}
	return uint64(s.now / time.Millisecond), s.now
}

// deaf is a router that only records the reports about streams.
type deaf struct {
	fib.Router
	seen int
}

func (*deaf) StreamsWatched(bool) bool                     { return true }
func (d *deaf) StreamsSeen(list []device.StreamSight) bool { d.seen += len(list); return true }

// look makes the watch read the counters of all packets until now.
func look(a *arriving) {
	now := clock.Monotonic()
	a.observer.(*steady).now = now
	a.look(now)
}

// watched prepares the watch of many streams.
func watched(streams int) (*arriving, *deaf) {
	d := &deaf{}
	a := &arriving{router: d, observer: &steady{}, noted: make(map[device.SourceGroup]noted), slots: make(map[device.SourceGroup]place), wake: make(chan struct{}, 1), unwanted: make(map[device.SourceGroup]bool)}
	for i := range streams {
		group := netip.AddrFrom16([16]byte{0xff, 0x3e, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
		a.note(device.SourceGroup{Source: netip.MustParseAddr("2001:db8::1"), Group: group}, 1, true)
	}
	for !a.follow() {
	}
	return a, d
}

// TestManyStreamsAreTold: of 100,000 streams, those that flow are reported, each once.
func TestManyStreamsAreTold(t *testing.T) {
	a, d := watched(100_000)
	for range 10 {
		look(a)
		if !a.tell() {
			t.Fatal("no more turns")
		}
	}
	if d.seen != 5000 || a.watch.Flowing() != 5000 || a.watch.Len() != 100_000 {
		t.Errorf("%d told, %d of %d flow", d.seen, a.watch.Flowing(), a.watch.Len())
	}
}

// silentFinder is a finder that finds no streams.
type silentFinder struct{}

func (silentFinder) Unobserved(int, func(arrivals.Stream)) {}

// TestRoutesWithoutPacketsCostNothing: with a finder, a new route causes no work and
// takes no memory until a packet arrives.
func TestRoutesWithoutPacketsCostNothing(t *testing.T) {
	a, _ := watched(0)
	a.finder = silentFinder{}
	stream := device.SourceGroup{Source: netip.MustParseAddr("2001:db8::1"), Group: netip.MustParseAddr("ff3e::1")}
	if a.note(stream, 1, true) || a.note(stream, 0, false) {
		t.Error("a route without packets leaves something to do")
	}
	a.find()
	if a.follow(); a.watch.Len() != 0 || len(a.slots)+len(a.noted)+len(a.unwanted) != 0 {
		t.Errorf("%d watched, %d slots, %d noted, %d unwanted", a.watch.Len(), len(a.slots), len(a.noted), len(a.unwanted))
	}
}

// BenchmarkArriving measures one look at 100,000 streams, of which 5,000 flow. In operation
// there is one every 10 ms.
func BenchmarkArriving(b *testing.B) {
	a, _ := watched(100_000)
	for range 10 {
		look(a)
		a.tell()
	}
	before := processor(b)
	for b.Loop() {
		look(a)
		a.tell()
	}
	b.ReportMetric(float64(processor(b)-before)/float64(b.N)/float64(lookInterval)*100, "%/processor")
}

// processor returns the processor time that this process has used.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	testnet.Must(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
