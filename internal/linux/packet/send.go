package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// routerAlert is a hop-by-hop header of a Router Alert option for MLD and two
// bytes of padding. The kernel fills in the first byte, the next header.
var routerAlert = []byte{0, 0, optRouterAlert, 2, 0, 0, 1, 0}

// Send sends an MLD message, ICMPv6 from its type on, out of an interface with
// hop limit 1; its checksum is filled in. The source must be an address of the
// interface, or the zero Addr to let the kernel choose one. It does not wait:
// when the send buffer is full the error wraps EAGAIN.
func (c *Conn) Send(ifindex int, src, dst netip.Addr, payload []byte, alert bool) error {
	var control [128]byte
	oob := appendPktinfo(control[:0], ifindex, src)
	if alert {
		oob = appendControl(oob, unix.IPV6_HOPOPTS, routerAlert)
	}
	// The scope says on which link a link-local destination is.
	to := &unix.SockaddrInet6{Addr: dst.As16(), ZoneId: uint32(ifindex)}
	err := c.control(c.send, func(fd int) error {
		_, err := unix.SendmsgN(fd, payload, oob, to, unix.MSG_DONTWAIT)
		return err
	})
	if err != nil {
		return fmt.Errorf("send MLD message to %s on interface index %d: %w", dst, ifindex, err)
	}
	c.count.sent.Add(1)
	return nil
}

// appendPktinfo adds struct in6_pktinfo: the source address and the interface.
func appendPktinfo(b []byte, ifindex int, src netip.Addr) []byte {
	var info [unix.SizeofInet6Pktinfo]byte
	if src.IsValid() {
		a := src.As16()
		copy(info[:], a[:])
	}
	binary.NativeEndian.PutUint32(info[16:], uint32(ifindex))
	return appendControl(b, unix.IPV6_PKTINFO, info[:])
}

// appendControl adds a control message of level IPPROTO_IPV6.
func appendControl(b []byte, typ int32, data []byte) []byte {
	start := len(b)
	b = append(b, make([]byte, unix.CmsgSpace(len(data)))...)
	h := b[start:]
	// The head is a length of the size of a pointer, the level and the type.
	size := unix.CmsgLen(0) - 8
	if size == 8 {
		binary.NativeEndian.PutUint64(h, uint64(unix.CmsgLen(len(data))))
	} else {
		binary.NativeEndian.PutUint32(h, uint32(unix.CmsgLen(len(data))))
	}
	binary.NativeEndian.PutUint32(h[size:], unix.IPPROTO_IPV6)
	binary.NativeEndian.PutUint32(h[size+4:], uint32(typ))
	copy(h[unix.CmsgLen(0):], data)
	return b
}
