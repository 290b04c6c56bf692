package fibtest

import (
	"slices"

	"tandem/internal/device"
	"tandem/internal/fib"
)

// testRoutes: packets go where their route says, and nowhere else.
func testRoutes(b *Bed) {
	b.Open(device.Gate{})
	if set := b.SetRoutes(Route(0, "d0"), Route(1, "d0", "d1"), Route(2)); set != 3 {
		b.Errorf("%d routes of 3 are in force", set)
	}
	b.Expect("a route to d0", 0, atFirst)
	b.Expect("a route to both", 1, atBoth)
	b.Expect("a route that discards", 2, nowhere)
	if set := b.SetRoutes(Route(0, "d1"), Route(1), Route(2, "d0")); set != 3 {
		b.Errorf("%d changed routes of 3 are in force", set)
	}
	b.Expect("changed to d1", 0, atSecond)
	b.Expect("changed to discard", 1, nowhere)
	b.Expect("changed to d0", 2, atFirst)
	gone := Route(0)
	gone.Delete = true
	if set := b.SetRoutes(gone, gone); set != 0 {
		b.Errorf("%d routes are in force though they were deleted", set)
	}
	b.Expect("deleted", 0, nowhere)
	if c := b.counters(2); c != (fib.Counters{Packets: 2, Bytes: 104}) { // packets of 40 + 8 + 4 bytes each
		b.Errorf("counted %+v, want 2 packets", c)
	}
	if list := b.plane.Counters([]device.SourceGroup{Stream(0), Stream(1)}); list[0] != (fib.Counters{}) || list[1].Packets != 2 {
		b.Errorf("counted %+v, want none of the deleted route and 2 packets of the other", list)
	}
	if events := b.Events(); len(events) != 0 {
		b.Errorf("events %v", events)
	}
}

// testIncomingInterface: a packet that arrives on another interface than its route's
// incoming one is not forwarded, but counted. Routes have different incoming interfaces.
func testIncomingInterface(b *Bed) {
	b.Open(device.Gate{})
	elsewhere := Route(0, "d0")
	elsewhere.Incoming = "d1"
	b.SetRoutes(elsewhere, Route(1, "d0"))
	b.Expect("from d1", 0, nowhere)
	b.Expect("from u0", 1, atFirst)
	if c := b.counters(0); c.WrongInterface != 1 {
		b.Errorf("counted %+v, want one packet on a wrong interface", c)
	}
	if c := b.counters(1); c.WrongInterface != 0 || c.Packets != 1 {
		b.Errorf("counted %+v, want one packet", c)
	}
	b.SetRoutes(Route(0, "d0"))
	b.Expect("from u0 now", 0, atFirst)
	nobody := Route(1, "d0")
	nobody.Incoming = ""
	if set := b.SetRoutes(nobody); set != 0 {
		b.Error("a route without an incoming interface is in force")
	}
}

// testUnknownStream: a stream without a route is reported, with the interface on which it
// arrived. It flows when the router has answered with a route.
func testUnknownStream(b *Bed) {
	b.Open(device.Gate{})
	b.Expect("no route", 0, nowhere)
	b.Eventually("the stream is told", func() bool { return slices.Contains(b.router.arrivals(), arrival{"u0", Stream(0)}) })
	b.SetRoutes(Route(0, "d1"))
	b.eventuallyReaches("answered", 0, atSecond)
	told := len(b.router.arrivals())
	b.SetRoutes(Route(1))
	for range 3 {
		b.Expect("a route that discards", 1, nowhere)
	}
	if list := b.router.arrivals()[told:]; slices.Contains(list, arrival{"u0", Stream(1)}) {
		b.Errorf("a stream that has a route is told: %v", list)
	}
}
