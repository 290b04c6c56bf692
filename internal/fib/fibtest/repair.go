package fibtest

import (
	"slices"

	"tandem/internal/device"
	"tandem/internal/event"
)

// testRouteDropped: a route that somebody else has taken out is set again, and that is
// counted and told.
func testRouteDropped(b *Bed) {
	b.Open(device.Gate{})
	b.SetRoutes(Route(0, "d0"), Route(1, "d0"))
	b.Expect("before", 0, atFirst)
	for n := range uint64(3) {
		b.kind.DropRoute(b, b.Router, Stream(0))
		b.Eventually("the repair is counted", func() bool { return b.State().Repairs.Restored == n+1 })
		b.Expect("repaired", 0, atFirst)
		b.Expect("nothing was wrong with it", 1, atFirst)
	}
	if events := b.Events(); !slices.Contains(events, event.RoutesRepaired.Name) {
		b.Errorf("events %v", events)
	}
	if got := b.State().Repairs; got.Restored != 3 || got.Removed != 0 || got.Interfaces != 0 {
		b.Errorf("counted %+v", got)
	}
}

// testGateDropped: a gate that somebody else has taken out is there again after a while,
// and that is counted and told.
func testGateDropped(b *Bed) {
	closed, second := device.Gate{Closed: []string{"d0"}, Exceptions: marked}, inBucket(1)[0]
	b.Open(closed)
	b.SetRoutes(Route(0, "d0", "d1"), Route(second, "d0", "d1"))
	b.Expect("before", 0, atSecond)
	b.kind.DropGate(b, b.Router)
	b.Eventually("the repair is counted", func() bool { return b.State().Gate.Repairs == 1 })
	b.Expect("repaired", 0, atSecond)
	if events := b.Events(); !slices.Contains(events, event.GateRepaired.Name) {
		b.Errorf("events %v", events)
	}
	// A change meets the loss before the plane has noticed it.
	b.kind.DropGate(b, b.Router)
	closed.Bucket0 = []string{"d1"}
	b.SetGate(closed)
	b.Expect("changed after a loss", second, nowhere)
}
