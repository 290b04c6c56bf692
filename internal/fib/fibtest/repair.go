package fibtest

import (
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/testnet"
)

// testRouteDropped: another program removes a route. The plane sets it again, counts that
// and emits an event.
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

// testGateDropped: another program removes the gate. The plane sets it again after a while,
// counts that and emits an event. Some planes can prevent the removal.
func testGateDropped(b *Bed) {
	closed, second := device.Gate{Closed: []string{"d0"}, Exceptions: marked}, inBucket(1)[0]
	b.Open(closed)
	b.SetRoutes(Route(0, "d0", "d1"), Route(second, "d0", "d1"))
	b.Expect("before", 0, atSecond)
	if b.kind.DropGate(b, b.Router) {
		b.Eventually("the repair is counted", func() bool { return b.State().Gate.Repairs == 1 })
		if events := b.Events(); !slices.Contains(events, event.GateRepaired.Name) {
			b.Errorf("events %v", events)
		}
	}
	b.Expect("repaired", 0, atSecond)
	// In this part SetGate finds that the gate is gone, before the plane has noticed it.
	b.kind.DropGate(b, b.Router)
	closed.Bucket0 = []string{"d1"}
	b.SetGate(closed)
	b.Expect("changed after a loss", second, nowhere)
}

// testGateDroppedOften: another program removes the gate ten times a second for five
// seconds. No packet is lost where the gate is open. Where it is closed, packets pass for
// at most 50 ms.
func testGateDroppedOften(b *Bed) {
	const (
		interval = 100 * time.Millisecond
		longest  = 50 * time.Millisecond
	)
	times := 50
	if testnet.Inside() {
		times = 10 // the whole test is repeated
	}
	b.Open(device.Gate{Closed: []string{"d0"}, Exceptions: marked})
	b.SetRoutes(Route(0, "d0", "d1"))
	b.Expect("before", 0, atSecond)
	stop := b.stream(0)
	dropped := 0
	for range times {
		if b.kind.DropGate(b, b.Router) {
			dropped++
		}
		time.Sleep(interval)
	}
	sent, received := stop()
	if lost := len(sent) - len(received[1]); lost != 0 {
		b.Errorf("%d packets of %d are lost", lost, len(sent))
	}
	if len(received[0]) > 0 && dropped == 0 {
		b.Errorf("%d packets pass a closed gate that nobody could take out", len(received[0]))
	}
	// If the machine delayed the test's packets, it delayed the repair as much.
	limit := longest
	for packet, at := range sent {
		if next, ok := sent[packet+1]; ok {
			limit = max(limit, longest+next.Sub(at))
		}
	}
	var first, last uint32 // first and last packet of a sequence that passed
	for _, packet := range received[0] {
		if last == 0 || packet != last+1 {
			first = packet
		}
		last = packet
		if took := sent[last].Sub(sent[first]); took > limit {
			b.Fatalf("the gate is gone for %v or longer, at most %v may be", took, limit)
		}
	}
	b.Logf("the gate could be taken out %d times of %d; %d packets of %d have passed", dropped, times, len(received[0]), len(sent))
}
