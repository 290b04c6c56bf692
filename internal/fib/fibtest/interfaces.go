package fibtest

import (
	"time"

	"tandem/internal/device"
	"tandem/internal/fib"
	"tandem/internal/linux/testnet"
)

// silent sends packets of a stream and fails if a host receives any.
func (b *Bed) silent(what string, host, i int) {
	b.Helper()
	packet := b.sender.Send(Stream(i).Group)
	for {
		got, ok := b.hosts[host].Next(200 * time.Millisecond)
		if !ok {
			return
		}
		if got == packet {
			b.Errorf("%s: host %d gets a packet of stream %d", what, host, i)
		}
	}
}

// testInterfaces: a route sends only to interfaces that the plane knows. When the plane
// gets more interfaces and the route is set again, it sends to them too.
func testInterfaces(b *Bed) {
	b.listen(0)
	b.listen(1)
	b.openWith(newRouter(), device.Gate{}, fib.Checkpoint{})
	b.Cleanup(b.close)
	if set := b.SetRoutes(Route(0, "d0", "d1")); set != 0 {
		b.Errorf("%d routes are in force between no interfaces", set)
	}
	b.setInterfaces(b.Up, b.Down1)
	all := []device.RouteChange{Route(0, "d0", "d1"), Route(mark, "d0", "d1")}
	if set := b.SetRoutes(all...); set != 2 {
		b.Errorf("%d routes of 2 are in force without one of their outgoing interfaces", set)
	}
	b.hosts[1].Expect(b.sender.Send(Stream(0).Group))
	b.silent("d0 was not told", 0, 0)
	b.setInterfaces(b.Up, b.Down0, b.Down1)
	b.SetRoutes(all...)
	b.Expect("both were told", 0, atBoth)
	b.setInterfaces(b.Up, b.Down0)
	b.silent("d1 was told no more", 1, 0)
	b.setInterfaces(b.Up, b.Down0, b.Down1)
	b.SetRoutes(all...)
	b.Expect("both were told again", 0, atBoth)
	b.InTurn(func() {
		err := b.plane.SetInterfaces([]fib.Interface{
			{Name: "u0", Index: b.Up.Index, Incoming: true}, {Name: "none", Index: 60000},
			{Name: "d0", Index: b.Down0.Index}, {Name: "d1", Index: b.Down1.Index},
		})
		if err == nil {
			b.Error("an interface that does not exist is accepted")
		}
	})
	b.Expect("all but the one that does not exist", 0, atBoth)
}

// testInterfaceReturns: an interface is deleted and made again. When the plane gets it and
// the routes are set again, packets leave by it.
func testInterfaceReturns(b *Bed) {
	b.openWith(newRouter(), device.Gate{}, fib.Checkpoint{})
	b.Cleanup(b.close)
	b.setInterfaces(b.Up, b.Down0, b.Down1)
	both := []device.RouteChange{Route(0, "d0", "d1"), Route(mark, "d0", "d1")}
	b.SetRoutes(both...)
	testnet.Must(b, b.Router.Links.Delete("d0"))
	b.setInterfaces(b.Up, b.Down1)
	b.listen(1)
	b.hosts[1].Expect(b.sender.Send(Stream(0).Group))
	testnet.Cable(b, b.Hosts[0], "h0", b.Router, "d0")
	back := testnet.AwaitLinkLocal(b, b.Router, "d0")
	testnet.AwaitLinkLocal(b, b.Hosts[0], "h0")
	b.listen(0)
	b.setInterfaces(b.Up, back, b.Down1)
	if set := b.SetRoutes(both...); set != 2 {
		b.Errorf("%d routes of 2 are in force", set)
	}
	b.Expect("it is there again", 0, atBoth)
}
