package kernel

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/fib/fibtest"
	"tandem/internal/linux/gate"
	"tandem/internal/linux/mroute"
	"tandem/internal/linux/testnet"
)

// numbered returns a group that no other test of the plane uses.
func numbered(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0xff, 0x1e, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
}

var atFirst = [2]bool{0: true}

// TestMeddledTable: another program changes the kernel's table in every way that it can.
func TestMeddledTable(t *testing.T) {
	b, _ := newPlane(t, device.Gate{})
	other := b.Router.Meddler(t)
	for i := range 8 {
		b.SetRoutes(fibtest.Route(i, "d0"))
	}
	var want fib.Repairs
	repaired := func(what string) {
		t.Helper()
		b.Eventually(what, func() bool {
			got := b.State().Repairs
			got.Audits = 0
			return got == want
		})
	}
	// The plane's interfaces are MIFs 0 to 2.
	stream := fibtest.Stream(4)
	other.Set(stream.Source, stream.Group, 0)
	want.Restored++
	repaired("a changed route is set again")
	b.Expect("changed", 4, atFirst)
	other.Set(netip.IPv6Unspecified(), numbered(1), 0, 0, 1, 2)
	want.Removed++
	repaired("a route for any source is removed")
	other.Set(testnet.Source, numbered(2), 0, 0, 1, 2)
	want.Removed++
	repaired("a route that nobody wants is removed")
	// The entry that discards packets from d0 and d1.
	everything := netip.IPv6Unspecified()
	other.Delete(everything, everything)
	want.Restored++
	repaired("packets from elsewhere are thrown away again")
	other.Set(everything, everything, 1, 0, 1, 2)
	want.Restored++
	repaired("they are not sent upstream")
	const flood = 20000 // more changes than the kernel can queue as notices
	for i := range flood {
		other.Set(testnet.Source, numbered(i), 0, 0, 1, 2)
	}
	want.Removed += flood
	repaired("a flood of them is removed, though not all were told")
	other.Flush()
	want.Restored += 10 // the mark and the entry that discards are restored too
	repaired("all routes are set again")
	for mif := range 3 {
		other.DeleteMIF(mif)
	}
	want.Interfaces += 3
	repaired("the interfaces are added again")
	b.Expect("all is repaired", 0, atFirst)
	for _, e := range []*event.Kind{event.RoutesRepaired, event.InterfacesRestored} {
		if !slices.Contains(b.Events(), e.Name) {
			t.Errorf("no event %s", e.Name)
		}
	}
}

// TestFloodLeavesNothing: a host on the access side sends to more and more groups. One
// entry of the kernel's table discards the packets. No packet waits, and there are no
// upcalls.
func TestFloodLeavesNothing(t *testing.T) {
	const flood = 500
	b, p := newPlane(t, device.Gate{})
	impostor := b.Impostor(t, 0)
	for i := range flood {
		impostor.Send(numbered(i))
	}
	b.Expect("no route", 0, [2]bool{}) // and all earlier packets have passed
	b.InTurn(func() {
		e, err := p.reader.Get(anyStream.Source, anyStream.Group)
		testnet.Must(t, err)
		if e.Packets != flood {
			t.Errorf("%d packets of %d have come to that entry", e.Packets, flood)
		}
	})
	entries := 0
	testnet.Must(t, p.lister.Each(t.Context(), func(*mroute.Entry) bool { entries++; return true }))
	if entries > 3 { // the discarding entry, the mark and, for a moment, stream 0
		t.Errorf("%d entries", entries)
	}
}

// TestSeizedGate: another program owns the gate's table for a while, so the kernel refuses
// every change. The plane reports this, and sets the gate as soon as it can.
func TestSeizedGate(t *testing.T) {
	b, p := newPlaneOf(t, kindWith(gate.Unprotected), device.Gate{})
	b.SetRoutes(fibtest.Route(0, "d0", "d1"))
	other := b.Router.SeizeTable(t, gate.TableName)
	b.SetGate(device.Gate{Closed: []string{"d1"}, Exceptions: []device.SourceGroup{fibtest.Stream(8)}})
	stale := func() (c []event.Condition) {
		b.InTurn(func() { c = p.Conditions() })
		return c
	}
	if c := stale(); len(c) != 1 || c[0].AlarmKind != event.GateStale {
		t.Errorf("conditions %v", c)
	}
	testnet.Must(t, other.Close())
	released := time.Now()
	b.Eventually("the gate is set", func() bool { return len(stale()) == 0 })
	if took := time.Since(released); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	b.Expect("the gate is set", 0, atFirst)
	for _, e := range []*event.Kind{event.GateNotSet, event.GateRepaired} {
		if !slices.Contains(b.Events(), e.Name) {
			t.Errorf("no event %s: %v", e.Name, b.Events())
		}
	}
}

// TestSilentStreams: in the kernel's list, routes that no packet has used for long are
// silent, and routes that are not as wanted are doubtful. An entry that waits for an answer
// is neither.
func TestSilentStreams(t *testing.T) {
	b, p := newPlane(t, device.Gate{})
	b.SetRoutes(fibtest.Route(0, "d0"), fibtest.Route(1, "d0"), fibtest.Route(2, "d0"))
	entry := func(i int, idle time.Duration, outgoing ...int) mroute.Entry {
		s := fibtest.Stream(i)
		return mroute.Entry{Source: s.Source, Group: s.Group, Upstream: b.Up.Index, Outgoing: outgoing, Idle: idle}
	}
	first, second := b.Down0.Index, b.Down1.Index
	waits := entry(4, device.KeepAlive)
	waits.Unresolved = true
	entries := []mroute.Entry{
		entry(0, device.KeepAlive, first), entry(1, device.KeepAlive-time.Millisecond, first),
		entry(2, device.KeepAlive, first, second), entry(3, 0, first), waits,
	}
	a := &audit{Plane: p}
	p.turn(func(wanted fib.Wanted) {
		for i := range entries {
			a.compare(wanted, &entries[i])
		}
	})
	if want := []device.SourceGroup{fibtest.Stream(0)}; !slices.Equal(a.silent, want) {
		t.Errorf("silent: %v, want %v", a.silent, want)
	}
	if want := []device.SourceGroup{fibtest.Stream(2), fibtest.Stream(3)}; !slices.Equal(a.doubtful, want) {
		t.Errorf("doubtful: %v, want %v", a.doubtful, want)
	}
}
