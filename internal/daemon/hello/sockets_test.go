package hello

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"tandem/internal/daemon/eventloop"
	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/linux/inherit"
	"tandem/internal/task"
)

var (
	loopback = Address{Local: netip.IPv6Loopback()}
	toItself = etrunk.Path{Local: loopback.Local, Peer: loopback.Local}
)

const patience = 10 * time.Second

// rig has the sockets and records their reports.
type rig struct {
	*Sockets
	t      *testing.T
	events chan device.Event
	logged int
	left   inherit.Files // by a predecessor
}

func (r *rig) Handle(ev device.Event) { r.events <- ev }
func (r *rig) Emit(ev event.Event)    { r.logged++; r.t.Log(ev) }

func newRig(t *testing.T, left ...inherit.File) *rig {
	r := &rig{t: t, events: make(chan device.Event, 100), left: left}
	loop := eventloop.New(eventloop.Options{Settle: func() {}, Interval: time.Hour})
	if err := loop.Begin(func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	readers := task.NewGroup(t.Context())
	r.Sockets = New(Options{Loop: loop, Handle: r.Handle, Emit: r.Emit, Readers: readers,
		Inherited: func(at netip.AddrPort, vpn string) *os.File { return r.left.Bound("hello", at, vpn) }})
	t.Cleanup(func() {
		loop.End()
		r.Close()
		if err := readers.Stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// binds opens the socket of the loopback address and returns its port.
func (r *rig) binds(port uint16) uint16 {
	r.t.Helper()
	if err := r.Configure(map[Address]Binding{loopback: {Port: port}}, false); err != nil {
		r.t.Fatal(err)
	}
	return r.open[loopback].conn.Local().Port()
}

func (r *rig) told() device.Event {
	r.t.Helper()
	select {
	case ev := <-r.events:
		return ev
	case <-time.After(patience):
		r.t.Fatal("told nothing")
		return nil
	}
}

// hears waits for a hello that says text.
func (r *rig) hears(text string) {
	r.t.Helper()
	got, ok := r.told().(device.HelloReceived)
	if !ok || string(got.Packet) != text || got.From != loopback.Local || got.VPN != "" {
		r.t.Fatalf("received %+v, want %q", got, text)
	}
}

// freePort returns a port that is free on the loopback address.
func freePort(t *testing.T) uint16 {
	t.Helper()
	r := newRig(t)
	port := r.binds(0)
	if err := r.Configure(nil, false); err != nil {
		t.Fatal(err)
	}
	return port
}

func say(text string) device.SendHello {
	return device.SendHello{ETrunk: 7, Path: toItself, Packet: []byte(text)}
}

func TestHelloIsReceived(t *testing.T) {
	r := newRig(t)
	r.binds(freePort(t)) // so the E-Trunk is its own peer
	r.Send(say("hello"))
	r.hears("hello")
	r.Send(say("hello again"))
	r.hears("hello again")
}

func TestHelloIsNotSent(t *testing.T) {
	r := newRig(t)
	expect := func(why string) {
		t.Helper()
		if got := r.told(); got != (device.HelloNotSent{ETrunk: 7, Path: toItself}) {
			t.Errorf("%s: told %+v", why, got)
		}
	}
	r.Send(say("hello"))
	expect("there is no socket")
	r.binds(freePort(t))
	for range 3 {
		r.Send(say(""))
		expect("the kernel refuses it")
	}
	if r.logged != 1 {
		t.Errorf("logged %d times", r.logged)
	}
	if err := r.Configure(nil, false); err != nil {
		t.Error(err)
	}
	r.Send(say("hello"))
	expect("the socket was closed")
}

// TestRefused: a socket that the kernel refuses is an error of a commit. At a start it is an alarm, and is
// tried again.
func TestRefused(t *testing.T) {
	holder, r := newRig(t), newRig(t)
	port := holder.binds(freePort(t))
	wanted := map[Address]Binding{loopback: {Port: port}}
	if err := r.Configure(wanted, false); err == nil {
		t.Fatal("two sockets of one port")
	}
	for range 2 { // the second time it was wanted before
		if err := r.Configure(wanted, true); err != nil || len(r.Conditions()) != 1 {
			t.Fatalf("%v, alarms %v", err, r.Conditions())
		}
	}
	if err := r.Configure(wanted, false); err != nil {
		t.Errorf("a commit that changes something else: %v", err)
	}
	if r.Retry(); r.open[loopback] != nil {
		t.Error("open, although the port is in use")
	}
	holder.Close()
	if r.Retry(); r.open[loopback] == nil || len(r.Conditions()) != 0 {
		t.Errorf("not open when the port is free, alarms %v", r.Conditions())
	}
}

// TestReconfigure: a socket whose binding does not change stays open. With another binding a
// new socket is opened.
func TestReconfigure(t *testing.T) {
	r := newRig(t)
	port := freePort(t)
	r.binds(port)
	before := r.open[loopback].conn
	if r.binds(port); r.open[loopback].conn != before {
		t.Error("it was opened anew")
	}
	if r.binds(freePort(t)); r.open[loopback].conn == before {
		t.Error("it is at the old port")
	}
	other := newRig(t)
	if err := other.Configure(map[Address]Binding{loopback: {Port: r.open[loopback].Port}}, false); err == nil {
		t.Error("two have the same port")
	}
}

// TestSocketIsHandedOver: hellos that arrive during the hand-over are received by the
// successor.
func TestSocketIsHandedOver(t *testing.T) {
	old, sender := newRig(t), newRig(t)
	port := freePort(t)
	old.binds(port)
	sockets := old.HandOver()
	if len(sockets) != 1 {
		t.Fatalf("%d sockets", len(sockets))
	}
	if err := old.o.Readers.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := sender.Configure(map[Address]Binding{loopback: {}}, false); err != nil {
		t.Fatal(err)
	}
	sock := sender.open[loopback]
	sock.Port = port
	sender.Send(say("between the two"))
	successor := newRig(t, inherit.File{Name: "hello", File: sockets[0]})
	if got := successor.binds(port); got != port || len(successor.left) != 0 {
		t.Fatalf("bound to %d, left %v", got, successor.left)
	}
	successor.hears("between the two")
}
