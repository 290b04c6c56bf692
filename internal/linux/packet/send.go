package packet

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/socket"
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
	oob := socket.AppendPacketInfo(control[:0], ifindex, src)
	if alert {
		oob = socket.AppendControl(oob, unix.IPV6_HOPOPTS, routerAlert)
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
