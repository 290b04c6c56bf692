package packet

import (
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// The groups that routers listen to. To hear, nobody has to be a member of them, but a
// switch that snoops may pass what goes to a group to its members alone, as IPv6 has no
// range of addresses that every switch floods (RFC 4541 section 3). So the kernel is asked
// to report both.
var (
	allRouters      = netip.MustParseAddr("ff02::2")  // Done (RFC 2710 section 3.7)
	allMLDv2Routers = netip.MustParseAddr("ff02::16") // MLDv2 reports (RFC 9777 section 5.2.14)

	groups = []netip.Addr{allMLDv2Routers, allRouters}
)

// Join begins to hear an interface. To join again is no error.
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

// Leave stops to hear an interface. That it was not joined, or has vanished, is no error.
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

// Joined returns the indexes of the interfaces that are heard, in ascending order.
func (c *Conn) Joined() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.joined)
}

// hear has the filter pass what comes in by some interfaces, in ascending order.
func (c *Conn) hear(ifindexes []int) error {
	err := c.control(c.raw, func(fd int) error { return attach(fd, ifindexes) })
	if err == nil {
		c.joined = ifindexes
	}
	return err
}

// allMulticast has an interface pass on frames to any group, or no longer.
func (c *Conn) allMulticast(opt, ifindex int) error {
	return c.control(c.raw, func(fd int) error {
		return unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, opt, &unix.PacketMreq{Ifindex: int32(ifindex), Type: unix.PACKET_MR_ALLMULTI})
	})
}

// report has the kernel report that somebody listens to a group, and says whether it
// could: an interface without IPv6 has no groups. The socket may think that it is a
// member when the kernel has dropped the interface's groups, so it leaves first.
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
