package ebpf

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"tandem/internal/device"
	"tandem/internal/fib"
	"tandem/internal/fib/fibtest"
	"tandem/internal/linux/testnet"
)

// frame is a frame that came in on an interface of a node.
type frame struct {
	ifindex int
	data    []byte
}

// packetSocket opens a socket that receives all IPv6 frames of a node.
func packetSocket(t *testing.T, n *testnet.Node) (fd int) {
	t.Helper()
	n.In(t, func() (err error) {
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(htons(unix.ETH_P_IPV6)))
		return err
	})
	t.Cleanup(func() { unix.Close(fd) })
	testnet.Must(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20))
	return fd
}

// frames receives all IPv6 frames of a node. The returned function returns those to a
// group that arrive until there is a pause.
func frames(t *testing.T, n *testnet.Node) func(group netip.Addr) []frame {
	t.Helper()
	fd := packetSocket(t, n)
	wait := unix.NsecToTimeval(int64(200 * time.Millisecond))
	testnet.Must(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait))
	return func(group netip.Addr) (list []frame) {
		for {
			b := make([]byte, 2000)
			n, from, err := unix.Recvfrom(fd, b, 0)
			if err != nil {
				return list
			}
			to := group.As16()
			if at, ok := from.(*unix.SockaddrLinklayer); ok && n >= headersSize && bytes.Equal(b[atGroup:headersSize], to[:]) && at.Pkttype != unix.PACKET_OUTGOING {
				list = append(list, frame{at.Ifindex, b[:n]})
			}
		}
	}
}

// newBed returns a network with a plane.
func newBed(t *testing.T, g device.Gate) (*fibtest.Bed, func() *Plane) {
	t.Helper()
	kind, last := newKind(t)
	b := fibtest.NewBed(t, kind)
	b.Open(g)
	return b, last
}

// TestFrames: a packet leaves as it came in, except for one hop less, the hardware
// address of the interface as source and that of the group as destination. Extension
// headers stay. Packets that must not be forwarded do not leave.
func TestFrames(t *testing.T) {
	b, _ := newBed(t, device.Gate{})
	received := frames(t, b.Hosts[0])
	group := fibtest.Stream(0).Group
	linkLocal, source := netip.MustParseAddr("fe80::1234"), netip.MustParseAddr("ff05::1")
	narrow := netip.MustParseAddr("ff12::1234")
	for _, s := range []device.SourceGroup{fibtest.Stream(0), {Source: linkLocal, Group: group}, {Source: source, Group: group}, {Source: testnet.Source, Group: narrow}} {
		b.SetRoutes(device.RouteChange{Source: s.Source, Group: s.Group, Incoming: "u0", Outgoing: []string{"d0"}})
	}
	good := testnet.Packet{Src: testnet.Source, Dst: group, HopLimit: 2, Next: unix.IPPROTO_UDP, Payload: []byte("12345678 and more")}
	with := func(change func(*testnet.Packet)) testnet.Packet {
		p := good
		change(&p)
		return p
	}
	for _, c := range []struct {
		name string
		testnet.Packet
		forwarded bool
	}{
		{"good", good, true},
		{"options", with(func(p *testnet.Packet) { p.HopByHop = []byte{5, 2, 0, 0, 1, 0} }), true},
		{"fragment", with(func(p *testnet.Packet) {
			p.Next, p.Payload = unix.IPPROTO_FRAGMENT, []byte("\x11\x00\x00\x081234 a later fragment")
		}), true},
		{"most hops", with(func(p *testnet.Packet) { p.HopLimit = 255 }), true},
		{"one hop", with(func(p *testnet.Packet) { p.HopLimit = 1 }), false},
		{"no hop", with(func(p *testnet.Packet) { p.HopLimit = 0 }), false},
		{"link-local source", with(func(p *testnet.Packet) { p.Src = linkLocal }), false},
		{"multicast source", with(func(p *testnet.Packet) { p.Src = source }), false},
		{"scope of the link", with(func(p *testnet.Packet) { p.Dst = narrow }), false},
		{"shorter than it says", with(func(p *testnet.Packet) { p.Longer = 100 }), false},
		{"just within the MTU", with(func(p *testnet.Packet) { p.Payload = bytes.Repeat([]byte{7}, 1460) }), true},
	} {
		b.Source.Send(t, "s0", c.Packet)
		got := received(c.Dst)
		if !c.forwarded {
			if len(got) > 0 {
				t.Errorf("%s: forwarded", c.name)
			}
			continue
		}
		if len(got) != 1 {
			t.Errorf("%s: %d copies", c.name, len(got))
			continue
		}
		f, to := got[0].data, c.Dst.As16()
		if want := append([]byte{0x33, 0x33}, to[12:]...); !bytes.Equal(f[:6], want) || !bytes.Equal(f[6:12], b.Down0.HardwareAddr) {
			t.Errorf("%s: from %x to %x", c.name, f[6:12], f[:6])
		}
		if f[atHopLimit] != c.HopLimit-1 {
			t.Errorf("%s: hop limit %d", c.name, f[atHopLimit])
		}
		if !bytes.HasSuffix(f, c.Payload) || len(c.HopByHop) > 0 && !bytes.Contains(f, c.HopByHop) {
			t.Errorf("%s: received %x", c.name, f)
		}
	}
}

// TestTooLong: a packet above the MTU of an interface does not leave there, but leaves by
// other interfaces. The plane follows a change of the MTU.
func TestTooLong(t *testing.T) {
	b, last := newBed(t, device.Gate{})
	at := [2]func(netip.Addr) []frame{frames(t, b.Hosts[0]), frames(t, b.Hosts[1])}
	group := fibtest.Stream(0).Group
	b.SetRoutes(fibtest.Route(0, "d0", "d1"))
	b.Router.SetMTU(t, "d0", 1400)
	b.Eventually("the MTU is known", func() bool {
		p := last()
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.ports["d0"].is.mtu == 1400
	})
	for _, c := range []struct{ size, first int }{{1360, 1}, {1361, 0}} {
		b.Source.Send(t, "s0", testnet.Packet{Src: testnet.Source, Dst: group, HopLimit: 9, Next: unix.IPPROTO_UDP, Payload: make([]byte, c.size)})
		if first, second := len(at[0](group)), len(at[1](group)); first != c.first || second != 1 {
			t.Errorf("%d bytes: %d and %d copies", c.size, first, second)
		}
	}
}

// TestHookTaken: a program that another program has detached is attached again soon.
func TestHookTaken(t *testing.T) {
	b, last := newBed(t, device.Gate{})
	b.SetRoutes(fibtest.Route(0, "d0"))
	b.Expect("before", 0, [2]bool{true, false})
	info, err := last().ports["u0"].hook.Info()
	testnet.Must(t, err)
	other, err := link.NewFromID(info.ID)
	testnet.Must(t, err)
	began := time.Now()
	detach(other)
	b.Eventually("it is noticed", func() bool { return b.State().Repairs.Interfaces == 1 })
	t.Logf("mended after %v", time.Since(began))
	b.Expect("mended", 0, [2]bool{true, false})
}

// TestManyInterfaces: one packet leaves once by each of many interfaces, more than the
// kernel's plane can hold, and by none that the gate closes.
func TestManyInterfaces(t *testing.T) {
	const many = 200
	b, last := newBed(t, device.Gate{})
	told := []fib.Interface{{Name: "u0", Index: b.Up.Index, Incoming: true}, {Name: "d0", Index: b.Down0.Index}, {Name: "d1", Index: b.Down1.Index}}
	var names []string
	for i := range many {
		near, far := fmt.Sprintf("m%d", i), fmt.Sprintf("f%d", i)
		testnet.Cable(t, b.Hosts[0], far, b.Router, near)
		l, err := b.Router.Links.Link(near)
		testnet.Must(t, err)
		told, names = append(told, fib.Interface{Name: near, Index: l.Index}), append(names, near)
	}
	b.InTurn(func() { testnet.Must(t, last().SetInterfaces(told)) })
	slices.Sort(names)
	b.SetRoutes(fibtest.Route(0, names...))
	received := frames(t, b.Hosts[0])
	expect := func(what string, want int) {
		t.Helper()
		b.Source.Send(t, "s0", testnet.Packet{Src: testnet.Source, Dst: fibtest.Stream(0).Group, HopLimit: 9, Next: unix.IPPROTO_UDP, Payload: make([]byte, 8)})
		at := make(map[int]int)
		for _, f := range received(fibtest.Stream(0).Group) {
			at[f.ifindex]++
		}
		for index, copies := range at {
			if copies != 1 {
				t.Errorf("%s: %d copies by interface %d", what, copies, index)
			}
		}
		if len(at) != want {
			t.Errorf("%s: copies by %d interfaces, want %d", what, len(at), want)
		}
	}
	expect("open", many)
	b.SetGate(device.Gate{Closed: names[:50]})
	expect("50 closed", many-50)
}
