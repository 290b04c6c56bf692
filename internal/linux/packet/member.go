package packet

import (
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// The groups that routers listen to. The packet socket needs no membership to receive
// their packets. But a snooping switch may send a group only to its members, because IPv6
// has no address range that every switch floods (RFC 4541 section 3). So this package
// makes the kernel report both groups.
var (
	allRouters      = netip.MustParseAddr("ff02::2")  // destination of Done messages (RFC 2710 section 3.7)
	allMLDv2Routers = netip.MustParseAddr("ff02::16") // destination of MLDv2 reports (RFC 9777 section 5.2.14)

	groups = []netip.Addr{allMLDv2Routers, allRouters}
)

// Join begins to receive on an interface. To join it again is no error.
func (c *Conn) Join(ifindex int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, joined := slices.BinarySearch(c.joined, ifindex)
	if joined {
		return nil
	}
	err := c.allMulticast(unix.PACKET_ADD_MEMBERSHIP, ifindex)
	if err == nil {
		if err = c.hear(slices.Insert(slices.Clone(c.joined), at, ifindex)); err != nil {
			_ = c.allMulticast(unix.PACKET_DROP_MEMBERSHIP, ifindex)
		}
	}
	if err != nil {
		return fmt.Errorf("hear MLD on interface index %d: %w", ifindex, err)
	}
	for _, g := range groups {
		c.report(ifindex, g)
	}
	return nil
}

// Leave ends the reception on an interface. It is no error if the interface is not joined
// or has vanished.
func (c *Conn) Leave(ifindex int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, joined := slices.BinarySearch(c.joined, ifindex)
	if !joined {
		return nil
	}
	// The kernel has already dropped the memberships of an interface that vanished.
	_ = c.allMulticast(unix.PACKET_DROP_MEMBERSHIP, ifindex)
	for _, g := range groups {
		_ = c.member(unix.IPV6_LEAVE_GROUP, ifindex, g)
	}
	if err := c.hear(slices.Delete(slices.Clone(c.joined), at, at+1)); err != nil {
		return fmt.Errorf("stop to hear MLD on interface index %d: %w", ifindex, err)
	}
	return nil
}

// Joined returns the indexes of the joined interfaces, in ascending order.
func (c *Conn) Joined() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.joined)
}

// hear makes the filter accept messages that arrive on the given interfaces. ifindexes
// must be in ascending order.
func (c *Conn) hear(ifindexes []int) error {
	err := c.control(c.raw, func(fd int) error { return attach(fd, ifindexes) })
	if err == nil {
		c.joined = ifindexes
	}
	return err
}

// allMulticast sets or clears all-multicast mode: the interface accepts frames to any
// group.
func (c *Conn) allMulticast(opt, ifindex int) error {
	return c.control(c.raw, func(fd int) error {
		return unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, opt, &unix.PacketMreq{Ifindex: int32(ifindex), Type: unix.PACKET_MR_ALLMULTI})
	})
}

// report makes the kernel report a membership of a group. It returns false if the interface
// has no IPv6 and therefore no groups. The socket may still count as a member after the
// kernel has dropped the interface's groups, so it leaves the group first.
func (c *Conn) report(ifindex int, group netip.Addr) bool {
	_ = c.member(unix.IPV6_LEAVE_GROUP, ifindex, group)
	return c.member(unix.IPV6_JOIN_GROUP, ifindex, group) == nil
}

func (c *Conn) member(opt, ifindex int, group netip.Addr) error {
	return c.control(c.send, func(fd int) error {
		return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, opt,
			&unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(ifindex)})
	})
}
