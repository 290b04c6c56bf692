package testnet

import (
	"encoding/binary"
	"errors"
	"iter"
	"net"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// Packet is an IPv6 packet that a test makes, correct or not. Its frame goes to the
// hardware address of a multicast group, whatever its destination is, unless To is set.
type Packet struct {
	To       net.HardwareAddr
	Src, Dst netip.Addr
	HopLimit byte
	// HopByHop are options, without the first two bytes of the header. Nil means no
	// hop-by-hop header.
	HopByHop []byte
	// Next is the next header after the hop-by-hop header; 0 means ICMPv6.
	Next    byte
	Payload []byte
	// Longer is added to the payload length. Padding follows the payload.
	Longer  int
	Padding []byte
	// Unfinished leaves the ICMPv6 checksum to a network card, as a sender on the same
	// machine may do.
	Unfinished bool
}

const (
	ethernetSize = 14
	ipv6Size     = 40
	icmpv6       = 58
)

// Send writes a packet to a link of the node.
func (n *Node) Send(t testing.TB, link string, p Packet) {
	t.Helper()
	n.SendAll(t, link, slices.Values([]Packet{p}))
}

// SendAll writes packets to a link of the node, as fast as the sequence yields them.
func (n *Node) SendAll(t testing.TB, link string, packets iter.Seq[Packet]) {
	t.Helper()
	to := &unix.SockaddrLinklayer{Ifindex: n.Interface(t, link).Index}
	n.In(t, func() error {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
			return err
		}
		for p := range packets {
			if err := unix.Sendto(fd, p.frame(), 0, to); err != nil && !errors.Is(err, unix.ENOBUFS) {
				return err
			}
		}
		return nil
	})
}

// frame returns struct virtio_net_hdr, an Ethernet header and the packet.
func (p Packet) frame() []byte {
	var b []byte
	next := p.Next
	if next == 0 {
		next = icmpv6
	}
	first, size := next, len(p.Payload)
	var hop []byte
	if p.HopByHop != nil {
		hop = append([]byte{next, byte((len(p.HopByHop)+2)/8 - 1)}, p.HopByHop...)
		first, size = 0, size+len(hop)
	}
	head := make([]byte, 10)
	if p.Unfinished {
		const needsChecksum = 1 // VIRTIO_NET_HDR_F_NEEDS_CSUM
		head[0] = needsChecksum
		binary.NativeEndian.PutUint16(head[6:], uint16(ethernetSize+ipv6Size+len(hop)))
		binary.NativeEndian.PutUint16(head[8:], 2) // offset of the checksum in ICMPv6
	}
	src, dst := p.Src.As16(), p.Dst.As16()
	to := []byte{0x33, 0x33, dst[12], dst[13], dst[14], dst[15]}
	if p.To != nil {
		to = p.To
	}
	b = append(append(head, to...), 2, 0, 0, 0, 0, 9, 0x86, 0xdd)
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(size+p.Longer))
	b = append(b, first, p.HopLimit)
	b = append(append(b, src[:]...), dst[:]...)
	return append(append(append(b, hop...), p.Payload...), p.Padding...)
}
