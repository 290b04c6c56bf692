package multicast

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/daemon/eventloop"
	"tandem/internal/daemon/netif"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/instant"
	"tandem/internal/linux/inherit"
	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
	"tandem/internal/mld"
	"tandem/internal/state"
	"tandem/internal/task"
)

// shell is the environment of a device: a loop that carries out the effects on the routing. u0
// is upstream, d0 and d1 are downstream.
type shell struct {
	*device.Device
	t       *testing.T
	net     *testnet.Net
	began   time.Time
	loop    *eventloop.Loop
	links   netif.Links
	readers *task.Group
	routing *Routing
	changed []string // interfaces
	kind    *PlaneKind
	// The state of a predecessor, if there is one.
	device *device.Checkpoint
	left   Checkpoint
	files  inherit.Files
}

func (s *shell) now() instant.Time { return instant.FromOrigin(time.Since(s.began)) }

func newShell(t *testing.T, n *testnet.Net, kind *PlaneKind) *shell {
	t.Helper()
	if err := kind.able(); err != nil {
		t.Skip(err)
	}
	s := &shell{kind: kind, Device: device.New(7, 7, time.Now(), instant.FromOrigin(0)), t: t, net: n, began: time.Now(), readers: task.NewGroup(context.Background())}
	s.loop = eventloop.New(eventloop.Options{
		Settle: s.settle, Interval: time.Minute,
		Timed: []eventloop.Timed{{Due: s.due, Do: func(time.Time) { s.Advance(s.now()) }}},
	})
	s.routing = New(Options{
		Loop: s.loop, Changed: func(netdev string) { s.changed = append(s.changed, netdev) }, Device: s, Emit: s.Emit, Links: &s.links, Readers: s.readers,
		Inherited: func() (Checkpoint, *inherit.Files) { return s.left, &s.files },
	})
	return s
}

// begin starts the turns and enables the routing.
func (s *shell) begin() {
	s.t.Helper()
	interfaces := make(map[string]device.InterfaceSettings)
	var names []string
	testnet.Must(s.t, s.loop.Begin(func() error {
		for _, l := range []links.Link{s.net.Up, s.net.Down0, s.net.Down1} {
			s.links.Update([]links.Link{l})
			names = append(names, l.Name)
			interfaces[l.Name] = device.InterfaceSettings{Netdev: l.Name, Upstream: l.Name == "u0", MLD: mld.DefaultConfig()}
			s.Handle(device.LinkChanged{Netdev: l.Name, Exists: true, Index: l.Index, AdminUp: true, Up: true, LinkLocal: l.LinkLocal})
		}
		if err := s.net.Router.Do(func() error {
			if err := s.routing.Enable(s.kind); err != nil {
				return err
			}
			return s.routing.SetInterfaces(Interfaces{Names: names, Upstream: "u0"})
		}); err != nil {
			return err
		}
		settings := device.Settings{Interfaces: interfaces}
		if s.device != nil {
			return s.Resume(s.now(), settings, s.device)
		}
		return s.Configure(s.now(), settings)
	}))
	s.readers.Go("timer", s.loop.Run)
	s.t.Cleanup(func() {
		_ = s.loop.Turn(s.routing.Disable)
		_ = s.readers.Stop()
	})
}

func (s *shell) due() time.Time {
	if at := s.Deadline(); at.IsSet() {
		return s.began.Add(at.SinceOrigin())
	}
	return time.Time{}
}

func (s *shell) settle() {
	fx := s.Effects()
	s.routing.SetRoutes(fx.Routes)
	if fx.Gate != nil {
		s.routing.SetGate(*fx.Gate)
	}
	for _, m := range fx.MLD {
		s.routing.SendMLD(m)
	}
}

func (s *shell) Handle(ev device.Event) { s.Device.Handle(s.now(), ev) }

func (s *shell) HandleAll(events []device.Event) {
	for _, ev := range events {
		s.Handle(ev)
	}
}

// Emit fails the test: nothing in these tests should cause an event.
func (s *shell) Emit(e event.Event) { s.t.Errorf("event %s", e.Name) }

// route waits until a stream of a group has a route to these interfaces and packets arrive.
func (s *shell) route(what string, group netip.Addr, sender *testnet.Sender, to ...string) {
	s.t.Helper()
	var got []state.Route
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		sender.Send(group)
		got = s.routing.Counted(func() []device.RouteSnapshot { return s.Routes(s.now()) })
		if len(got) == 1 && got[0].Group == group && got[0].Packets > 0 && slices.Equal(got[0].Downstream, to) {
			return
		}
	}
	s.t.Fatalf("%s: routes %+v, want one to %v", what, got, to)
}

// TestJoinsAreRouted: a stream is forwarded to the hosts that join it while they listen, also
// by a successor. It is not forwarded when routing is disabled.
func TestJoinsAreRouted(t *testing.T) { onBoth(t, joinsAreRouted) }

// onBoth runs a test on each kind of plane.
func onBoth(t *testing.T, test func(*testing.T, *PlaneKind)) {
	for _, kind := range []*PlaneKind{KernelPlane, EBPFPlane} {
		t.Run(kind.name, func(t *testing.T) { test(t, kind) })
	}
}

func joinsAreRouted(t *testing.T, kind *PlaneKind) {
	n := testnet.New(t)
	first, sender := newShell(t, n, kind), n.Sender(t)
	first.begin()
	group := netip.MustParseAddr("ff1e::1234")
	near, far := n.Receiver(t, 0), n.Receiver(t, 1)
	near.Join(group)
	first.route("one host", group, sender, "d0")
	far.Join(group)
	first.route("two hosts", group, sender, "d0", "d1")
	var described state.Device
	testnet.Must(t, first.loop.Turn(func() { first.routing.Describe(&described) }))
	if described.Joins.Sum == 0 || !described.Gate.Installed || described.Socket.Received == 0 {
		t.Errorf("described as %+v", described)
	}

	second := newShell(t, n, kind)
	second.began = first.began
	_ = first.readers.Stop()
	testnet.Must(t, first.loop.Turn(func() {
		var err error
		second.left, second.files, err = first.routing.HandOver()
		testnet.Must(t, err)
		cp := first.Checkpoint(first.now())
		second.device = &cp
		first.routing.plane, first.routing.mld = nil, nil // the program has ended
	}))
	for _, f := range second.files {
		if !slices.Contains(HandedOn, f.Name) {
			t.Errorf("handed over %s, promised %v", f.Name, HandedOn)
		}
	}
	second.begin()
	near.Leave(group)
	second.route("the successor after a leave", group, sender, "d1")

	testnet.Must(t, second.loop.Turn(second.routing.Disable))
	last := sender.Send(group)
	for got, more := far.Next(200 * time.Millisecond); more; got, more = far.Next(200 * time.Millisecond) {
		if got == last {
			t.Error("a packet is forwarded though routing is disabled")
		}
	}
}

// TestFirstPacketOnTheWrongSide: packets of a stream that arrive on the access side before the
// stream arrives upstream delay its listeners hardly at all.
func TestFirstPacketOnTheWrongSide(t *testing.T) { onBoth(t, firstPacketOnTheWrongSide) }

func firstPacketOnTheWrongSide(t *testing.T, kind *PlaneKind) {
	n := testnet.New(t)
	s, sender, impostor := newShell(t, n, kind), n.Sender(t), n.Impostor(t, 0)
	s.begin()
	group, other := netip.MustParseAddr("ff1e::1234"), netip.MustParseAddr("ff1e::4321")
	host := n.Receiver(t, 1)
	host.Join(group)
	host.Join(other)
	s.route("the listener is known", other, sender, "d1")
	for range 10 {
		impostor.Send(group)
	}
	time.Sleep(20 * time.Millisecond)
	began := time.Now()
	for first := sender.Send(group); ; sender.Send(group) {
		if got, ok := host.Next(time.Millisecond); ok && got >= first {
			break
		}
		if time.Since(began) > 5*time.Second {
			t.Fatal("the stream does not flow")
		}
	}
	if gap := time.Since(began); gap > 50*time.Millisecond {
		t.Errorf("the stream flows after %v", gap)
	}
}

// TestPlaneChanges: a device that changes to another plane forwards the same streams
// afterwards.
func TestPlaneChanges(t *testing.T) {
	n := testnet.New(t)
	s, sender := newShell(t, n, EBPFPlane), n.Sender(t)
	s.kind = KernelPlane
	s.begin()
	group := netip.MustParseAddr("ff1e::1234")
	host := n.Receiver(t, 0)
	host.Join(group)
	s.route("as it began", group, sender, "d0")
	for _, kind := range []*PlaneKind{EBPFPlane, KernelPlane, EBPFPlane} {
		testnet.Must(t, s.loop.Turn(func() {
			n.Router.In(t, func() error { return s.routing.Enable(kind) })
		}))
		s.route("gone over to "+kind.name, group, sender, "d0")
		for got, last := uint32(0), sender.Send(group); got != last; {
			var ok bool
			if got, ok = host.Next(time.Second); !ok {
				t.Fatalf("nothing comes of the plane %s", kind.name)
			}
		}
	}
}
