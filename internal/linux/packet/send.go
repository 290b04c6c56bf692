package packet

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/socket"
)

// openOut makes the raw socket. The kernel fills in the checksums of its messages. The
// socket receives nothing.
func openOut() (int, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
	if err != nil {
		return -1, fmt.Errorf("open MLD raw socket: %w", err)
	}
	_ = socket.SetSendBuffer(fd, sendBuffer)
	err = socket.FilterICMPv6(fd)
	for _, o := range outOptions {
		err = errors.Join(err, os.NewSyscallError("set "+o.name, unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, o.opt, o.value)))
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("open MLD raw socket: %w", err)
	}
	return fd, nil
}

var outOptions = []struct {
	name       string
	opt, value int
}{
	// All MLD messages have hop limit 1 (RFC 9777 section 5). The socket does not receive
	// its own messages.
	{"IPV6_MULTICAST_HOPS", unix.IPV6_MULTICAST_HOPS, 1},
	{"IPV6_UNICAST_HOPS", unix.IPV6_UNICAST_HOPS, 1},
	{"IPV6_MULTICAST_LOOP", unix.IPV6_MULTICAST_LOOP, 0},
	// Flow label 0, as in the kernel's own MLD messages. An automatic label would change at
	// each boot.
	{"IPV6_AUTOFLOWLABEL", unix.IPV6_AUTOFLOWLABEL, 0},
}

// routerAlert is a hop-by-hop header with a Router Alert option for MLD and two bytes of
// padding. The kernel fills in its first byte, the next header.
var routerAlert = []byte{0, 0, optRouterAlert, 2, 0, 0, 1, 0}

// Send sends an MLD message out of an interface with hop limit 1. The payload is the ICMPv6
// message from its type on; the kernel fills in its checksum. The source must be an address
// of the interface; for the zero Addr the kernel chooses one. Send does not wait: if the
// send buffer is full, the error wraps EAGAIN.
func (c *Conn) Send(ifindex int, src, dst netip.Addr, payload []byte, alert bool) error {
	var control [128]byte
	oob := socket.AppendPacketInfo(control[:0], ifindex, src)
	if alert {
		oob = socket.AppendControl(oob, unix.IPV6_HOPOPTS, routerAlert)
	}
	// A link-local destination needs the index of its link as its scope.
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
