// Package gvisor has an MLD host that shares no code with ours, gVisor's network
// stack, listen behind a router of ours on virtual time.
package gvisor

import (
	"encoding/binary"
	"errors"
	"math/rand"
	"net/netip"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/faketime"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"tandem/internal/instant"
	"tandem/internal/mld"
)

const (
	nic  = 1
	tick = 50 * time.Millisecond
)

var routerAddr = netip.MustParseAddr("fe80::a")

// link is a router and gVisor hosts on one wire.
type link struct {
	t      *testing.T
	clock  *faketime.ManualClock
	now    instant.Time
	router *mld.Router
	stamp  uint64
	tick   time.Duration // how finely the link looks at the time
	hosts  []*host
	fx     mld.Effects
	// seen counts what the hosts said, and queries what they were asked.
	seen    map[mld.Type]int
	queries []mld.Query
	// misheard counts reports of a version that the router is not set to.
	misheard int
}

type host struct {
	addr     netip.Addr
	stack    *stack.Stack
	wire     *channel.Endpoint
	silenced bool // its cable is cut
}

func newLink(t *testing.T, cfg mld.Config, hosts int) *link {
	begin := instant.FromOrigin(0)
	l := &link{t: t, clock: faketime.NewManualClock(), now: begin, router: mld.NewRouter(cfg, 1, begin), tick: tick, seen: map[mld.Type]int{}}
	for i := range hosts {
		l.hosts = append(l.hosts, newHost(t, l.clock, i))
	}
	l.router.SetQuerierDuty(l.now, true, &l.fx)
	l.router.SetLink(l.now, routerAddr, true, &l.fx)
	l.ask()
	return l
}

func newHost(t *testing.T, clock tcpip.Clock, n int) *host {
	t.Helper()
	h := &host{
		addr: netip.AddrFrom16([16]byte{0xfe, 0x80, 14: 1, 15: byte(n)}),
		wire: channel.New(1000, 1500, tcpip.LinkAddress([]byte{2, 0, 0, 0, 0, byte(n)})),
		stack: stack.New(stack.Options{
			NetworkProtocols: []stack.NetworkProtocolFactory{ipv6.NewProtocolWithOptions(ipv6.Options{
				MLD: ipv6.MLDOptions{Enabled: true},
			})},
			Clock:      clock,
			RandSource: rand.NewSource(int64(n)),
		}),
	}
	must(t, h.stack.CreateNIC(nic, h.wire))
	must(t, h.stack.AddProtocolAddress(nic, tcpip.ProtocolAddress{
		Protocol:          ipv6.ProtocolNumber,
		AddressWithPrefix: tcpip.AddressWithPrefix{Address: tcpip.AddrFrom16(h.addr.As16()), PrefixLen: 64},
	}, stack.AddressProperties{}))
	t.Cleanup(h.stack.Destroy)
	return h
}

func (h *host) join(t *testing.T, group netip.Addr) {
	t.Helper()
	must(t, h.stack.JoinGroup(ipv6.ProtocolNumber, nic, tcpip.AddrFrom16(group.As16())))
}

func (h *host) leave(t *testing.T, group netip.Addr) {
	t.Helper()
	must(t, h.stack.LeaveGroup(ipv6.ProtocolNumber, nic, tcpip.AddrFrom16(group.As16())))
}

func must(t *testing.T, err tcpip.Error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run lets time pass on both sides.
func (l *link) run(d time.Duration, check func()) {
	l.t.Helper()
	for end := l.now.Add(d); l.now < end; {
		l.clock.Advance(l.tick)
		l.now = l.now.Add(l.tick)
		l.listen()
		if l.router.Deadline().IsDue(l.now) {
			l.router.Advance(l.now, l.version(), &l.fx)
			l.ask()
		}
		if check != nil {
			check()
		}
	}
}

func (l *link) version() mld.Version {
	l.stamp++
	return mld.Version{Clock: l.stamp, Device: 1}
}

// listen carries what the hosts said to the router and to one another.
func (l *link) listen() {
	l.t.Helper()
	for _, h := range l.hosts {
		for p := h.wire.Read(); p != nil; p = h.wire.Read() {
			wire := p.ToView().AsSlice()
			packet := append([]byte(nil), wire...)
			p.DecRef()
			if !h.silenced {
				l.hear(h, packet)
			}
		}
	}
}

func (l *link) hear(from *host, packet []byte) {
	l.t.Helper()
	for _, h := range l.hosts {
		if h != from && !h.silenced {
			h.receive(packet)
		}
	}
	// Every MLD message has a Router Alert; whatever has none is another protocol's.
	if len(packet) < 48 || packet[6] != 0 || packet[40] != 58 {
		return
	}
	src, _ := netip.AddrFromSlice(packet[8:24])
	dst, _ := netip.AddrFromSlice(packet[24:40])
	if binary.BigEndian.Uint16(packet[50:]) != mld.Checksum(src, dst, packet[48:]) {
		l.t.Errorf("checksum of %x", packet)
	}
	var p mld.Packet
	if err := p.Parse(packet[48:]); err != nil {
		l.t.Errorf("%x: %v", packet[48:], err)
		return
	}
	l.seen[p.Type]++
	var drop *mld.DropError
	meta := mld.Meta{Src: src, Dst: dst, HopLimit: int(packet[7]), RouterAlert: true}
	if err := l.router.Receive(l.now, l.version(), meta, &p, &l.fx); errors.As(err, &drop) && drop.Cause == mld.DropVersion {
		l.misheard++
	} else if err != nil {
		l.t.Errorf("host %v: %v", from.addr, err)
	}
	l.ask()
}

func (h *host) receive(packet []byte) {
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(append([]byte(nil), packet...))})
	h.wire.InjectInbound(ipv6.ProtocolNumber, p)
	p.DecRef()
}

// ask sends the router's queries.
func (l *link) ask() {
	for _, q := range l.fx.Queries {
		q.Sources = append([]netip.Addr(nil), q.Sources...)
		l.queries = append(l.queries, q)
		packet := overIPv6(routerAddr, q.Destination(), mld.AppendQuery(nil, q))
		for _, h := range l.hosts {
			if !h.silenced {
				h.receive(packet)
			}
		}
	}
	l.fx.Reset()
}

// overIPv6 puts the headers before a message: hop limit 1 and a Router Alert.
func overIPv6(src, dst netip.Addr, message []byte) []byte {
	mld.SetChecksum(src, dst, message)
	b := []byte{0x60, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(message)))
	b = append(b, 0, 1)
	s, d := src.As16(), dst.As16()
	b = append(append(b, s[:]...), d[:]...)
	b = append(b, 58, 0, 5, 2, 0, 0, 1, 0)
	return append(b, message...)
}
