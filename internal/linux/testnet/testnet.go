// Package testnet builds the smallest routed multicast network for tests of
// the adapters, out of real namespaces:
//
//	source s0 ---- u0 router d0 ---- h0 host 0
//	                         d1 ---- h0 host 1
package testnet

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/net/ipv6"

	"tandem/internal/linux/links"
	"tandem/internal/linux/netns"
)

// Source is the source address of the streams.
var Source = netip.MustParseAddr("2001:db8:1::10")

// Port is the UDP port of all streams.
const Port = 5000

// Node is a namespace with a handle for its links.
type Node struct {
	*netns.Namespace
	Links *links.Handle
}

// Net is a router with a source on one side and two hosts on the other.
// Its links are up and have link-local addresses.
type Net struct {
	Source, Router *Node
	Hosts          [2]*Node
	// Up, Down0 and Down1 are the router's interfaces u0, d0 and d1.
	Up, Down0, Down1 links.Link
}

// NewNode makes an empty namespace without Duplicate Address Detection. It skips the test
// if the user is not root.
func NewNode(t testing.TB) *Node {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	ns, err := netns.New()
	Must(t, err)
	t.Cleanup(func() { ns.Close() })
	Must(t, ns.DisableDAD())
	h, err := links.OpenIn(ns.Do)
	Must(t, err)
	t.Cleanup(func() { h.Close() })
	return &Node{ns, h}
}

// New builds the network. It skips the test if the user is not root.
func New(t testing.TB) *Net {
	t.Helper()
	n := &Net{Source: NewNode(t), Router: NewNode(t), Hosts: [2]*Node{NewNode(t), NewNode(t)}}
	Cable(t, n.Source, "s0", n.Router, "u0")
	Must(t, n.Source.Links.AddAddress("s0", netip.PrefixFrom(Source, 64)))
	Cable(t, n.Hosts[0], "h0", n.Router, "d0")
	Cable(t, n.Hosts[1], "h0", n.Router, "d1")
	n.Up = AwaitLinkLocal(t, n.Router, "u0")
	n.Down0 = AwaitLinkLocal(t, n.Router, "d0")
	n.Down1 = AwaitLinkLocal(t, n.Router, "d1")
	AwaitLinkLocal(t, n.Hosts[0], "h0")
	AwaitLinkLocal(t, n.Hosts[1], "h0")
	return n
}

// Cable makes a veth between two nodes and sets both ends up.
func Cable(t testing.TB, a *Node, an string, b *Node, bn string) {
	t.Helper()
	Must(t, a.Links.AddVeth(links.VethEnd{Name: an}, links.VethEnd{Name: bn, NetNS: b.FD()}))
	Must(t, a.Links.SetUp(an, true))
	Must(t, b.Links.SetUp(bn, true))
}

// AwaitLinkLocal waits until an interface is up and has its link-local address. The kernel
// assigns the address a moment after carrier.
func AwaitLinkLocal(t testing.TB, n *Node, name string) links.Link {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		l, err := n.Links.Link(name)
		Must(t, err)
		if l.Up && l.LinkLocal.IsValid() {
			return l
		}
	}
	t.Fatalf("%s has no link-local address", name)
	return links.Link{}
}

// In runs f on a thread in the node's namespace. It fails the test if f returns an error.
func (n *Node) In(t testing.TB, f func() error) {
	t.Helper()
	Must(t, n.Do(f))
}

// UDP opens a socket in the node. It is bound to a port; for port 0 the kernel chooses one.
func (n *Node) UDP(t testing.TB, port int) *ipv6.PacketConn {
	t.Helper()
	var p *ipv6.PacketConn
	n.In(t, func() error {
		c, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp6", fmt.Sprintf("[::]:%d", port))
		if err == nil {
			p = ipv6.NewPacketConn(c)
		}
		return err
	})
	t.Cleanup(func() { p.Close() })
	return p
}

// Interface returns an interface of the node in the type that joins need.
func (n *Node) Interface(t testing.TB, name string) *net.Interface {
	t.Helper()
	l, err := n.Links.Link(name)
	Must(t, err)
	return &net.Interface{Index: l.Index, Name: name}
}

// Sender sends numbered packets.
type Sender struct {
	t    testing.TB
	conn *ipv6.PacketConn
	seq  uint32
}

// Sender opens a sending socket at the source, with hop limit 8.
func (n *Net) Sender(t testing.TB) *Sender {
	t.Helper()
	return n.Source.sender(t, "s0")
}

// Impostor makes a host send packets with the address of the source. The host itself does
// not receive them.
func (n *Net) Impostor(t testing.TB, host int) *Sender {
	t.Helper()
	node := n.Hosts[host]
	Must(t, node.Links.AddAddress("h0", netip.PrefixFrom(Source, 128)))
	s := node.sender(t, "h0")
	Must(t, s.conn.SetMulticastLoopback(false))
	return s
}

func (n *Node) sender(t testing.TB, link string) *Sender {
	t.Helper()
	c := n.UDP(t, 0)
	Must(t, c.SetMulticastInterface(n.Interface(t, link)))
	Must(t, c.SetMulticastHopLimit(8))
	return &Sender{t: t, conn: c}
}

// At returns the destination address and port of a stream to a group.
func At(group netip.Addr) net.Addr { return net.UDPAddrFromAddrPort(netip.AddrPortFrom(group, Port)) }

// Send sends one packet to a group and returns its number.
func (s *Sender) Send(group netip.Addr) uint32 {
	s.t.Helper()
	s.seq++
	_, err := s.conn.WriteTo(binary.BigEndian.AppendUint32(nil, s.seq), nil, At(group))
	Must(s.t, err)
	return s.seq
}

// Receiver is a host's socket.
type Receiver struct {
	t     testing.TB
	conn  *ipv6.PacketConn
	iface *net.Interface
}

// Receiver opens a receiving socket at host 0 or 1.
func (n *Net) Receiver(t testing.TB, host int) *Receiver {
	t.Helper()
	return &Receiver{t, n.Hosts[host].UDP(t, Port), n.Hosts[host].Interface(t, "h0")}
}

// Join joins a group for any source.
func (r *Receiver) Join(group netip.Addr) {
	r.t.Helper()
	Must(r.t, r.conn.JoinGroup(r.iface, &net.UDPAddr{IP: group.AsSlice()}))
}

// Leave leaves a group.
func (r *Receiver) Leave(group netip.Addr) {
	r.t.Helper()
	Must(r.t, r.conn.LeaveGroup(r.iface, &net.UDPAddr{IP: group.AsSlice()}))
}

// Next waits for a packet and returns its number. It returns false if none comes in time.
func (r *Receiver) Next(wait time.Duration) (uint32, bool) {
	r.t.Helper()
	Must(r.t, r.conn.SetReadDeadline(time.Now().Add(wait)))
	b := make([]byte, 16)
	n, _, _, err := r.conn.ReadFrom(b)
	if err != nil || n != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}

// Expect fails unless the next packet is the one with this number.
func (r *Receiver) Expect(seq uint32) {
	r.t.Helper()
	if got, ok := r.Next(5 * time.Second); !ok || got != seq {
		r.t.Fatalf("received packet %d (%v), want %d", got, ok, seq)
	}
}

// Must fails the test at once on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
