package fibtest

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/fib"
	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// Bed is a network with a plane on its router. Streams arrive on u0, host 0 is behind d0
// and host 1 behind d1. Both hosts listen to all groups.
type Bed struct {
	testing.TB
	*testnet.Net
	kind   Kind
	router *router
	plane  fib.Plane
	stop   func() // ends Run and waits until it has ended
	closed bool
	sender *testnet.Sender
	hosts  [2]*testnet.Receiver
}

// groups is the number of groups. The stream of the last one is the mark. Its packets go to
// both hosts in every test. When they arrive, all packets that were sent before them have
// arrived or are lost.
const (
	groups = 9
	mark   = groups - 1
)

// Stream returns the stream of group i.
func Stream(i int) device.SourceGroup {
	return device.SourceGroup{Source: testnet.Source, Group: netip.AddrFrom16([16]byte{0xff, 0x3e, 12: 0x80, 15: byte(i + 1)})}
}

// Route returns a route for the i-th stream, which arrives on u0.
func Route(i int, outgoing ...string) device.RouteChange {
	s := Stream(i)
	return device.RouteChange{Source: s.Source, Group: s.Group, Incoming: "u0", Outgoing: outgoing}
}

// inBucket lists the groups of a bucket without the mark.
func inBucket(n int) (list []int) {
	for i := range mark {
		if etrunk.BucketOf(Stream(i).Source, Stream(i).Group) == n {
			list = append(list, i)
		}
	}
	return list
}

// NewBed builds the network, without a plane.
func NewBed(t testing.TB, kind Kind) *Bed {
	t.Helper()
	n := testnet.New(t)
	return &Bed{TB: t, Net: n, kind: kind, sender: n.Sender(t)}
}

// listen makes a host listen to all groups.
func (b *Bed) listen(host int) {
	b.Helper()
	b.hosts[host] = b.Receiver(b, host)
	for i := range groups {
		b.hosts[host].Join(Stream(i).Group)
	}
}

// Open makes both hosts listen and opens a plane. The plane is closed when the test ends.
// It gives the plane all interfaces and the route of the mark.
func (b *Bed) Open(gate device.Gate) {
	b.Helper()
	b.listen(0)
	b.listen(1)
	b.openWith(newRouter(), gate, fib.Checkpoint{})
	b.Cleanup(b.close)
	b.setInterfaces(b.Up, b.Down0, b.Down1)
	b.SetRoutes(Route(mark, "d0", "d1"))
}

// openWith opens a plane and runs it.
func (b *Bed) openWith(r *router, gate device.Gate, left fib.Checkpoint) {
	b.Helper()
	plane, err := b.kind.Open(b.Router, r, gate, left)
	testnet.Must(b, err)
	b.router, b.plane, b.closed = r, plane, false
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- plane.Run(ctx) }()
	b.stop = func() {
		b.Helper()
		cancel()
		select {
		case err := <-ended:
			testnet.Must(b, err)
			ended <- nil
		case <-time.After(5 * time.Second):
			b.Fatal("Run does not end")
		}
	}
}

// close closes the plane, if it is open, and waits until Run has ended.
func (b *Bed) close() {
	b.Helper()
	if b.closed {
		return
	}
	b.closed = true
	b.InTurn(func() { testnet.Must(b, b.plane.Close()) })
	b.stop()
}

// InTurn runs f while the plane has no turn.
func (b *Bed) InTurn(f func()) {
	b.router.turn.Lock()
	defer b.router.turn.Unlock()
	f()
}

func (b *Bed) setInterfaces(list ...links.Link) {
	b.Helper()
	var interfaces []fib.Interface
	for _, l := range list {
		interfaces = append(interfaces, fib.Interface{Name: l.Name, Index: l.Index, Incoming: l.Name == b.Up.Name})
	}
	b.InTurn(func() { testnet.Must(b, b.plane.SetInterfaces(interfaces)) })
}

// SetRoutes adds routes to the wanted ones and sets them. It returns how many are in force.
func (b *Bed) SetRoutes(routes ...device.RouteChange) (set int) {
	b.InTurn(func() {
		for _, c := range routes {
			b.router.want(c)
		}
		set = b.plane.SetRoutes(routes)
	})
	return set
}

// SetGate sets the gate of the plane.
func (b *Bed) SetGate(g device.Gate) { b.InTurn(func() { b.plane.SetGate(g) }) }

// State returns the plane's state.
func (b *Bed) State() (s fib.State) {
	b.InTurn(func() { s = b.plane.State() })
	return s
}

// Leaving returns the plane's latest report on packets that leave by an interface.
func (b *Bed) Leaving(netdev string) fib.Leaving {
	b.router.mu.Lock()
	defer b.router.mu.Unlock()
	return b.router.leaving[netdev]
}

// Events lists the names of the events so far.
func (b *Bed) Events() []string { return b.router.emitted() }

func (b *Bed) counters(i int) fib.Counters {
	return b.plane.Counters([]device.SourceGroup{Stream(i)})[0]
}

// The hosts at which a packet arrives.
var (
	nowhere  = [2]bool{}
	atFirst  = [2]bool{0: true}
	atSecond = [2]bool{1: true}
	atBoth   = [2]bool{true, true}
)
