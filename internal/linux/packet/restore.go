package packet

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// Restore finds which memberships and modes of the joined interfaces the kernel has
// dropped, restores them and returns their number. The kernel drops the groups of an
// interface when its MTU falls below 1280, and all-multicast mode when the interface
// moves to another namespace.
func (c *Conn) Restore() (restored int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	members, err := c.members()
	if err != nil {
		return 0, fmt.Errorf("memberships of the MLD socket: %w", err)
	}
	for _, ifindex := range c.joined {
		for _, g := range groups {
			if !members[membership{ifindex, g}] && c.report(ifindex, g) {
				restored++
			}
		}
		if c.lacksAllMulticast(ifindex) {
			_ = c.allMulticast(unix.PACKET_DROP_MEMBERSHIP, ifindex)
			if c.allMulticast(unix.PACKET_ADD_MEMBERSHIP, ifindex) == nil {
				restored++
			}
		}
	}
	return restored, nil
}

// membership is a group that an interface has joined.
type membership struct {
	ifindex int
	group   netip.Addr
}

// members lists the memberships of all interfaces of the namespace, whichever program has
// joined them.
func (c *Conn) members() (map[membership]bool, error) {
	request := make([]byte, unix.SizeofIfAddrmsg)
	request[0] = unix.AF_INET6
	list, err := c.ask.List(unix.RTM_GETMULTICAST, request)
	members := make(map[membership]bool)
	for _, m := range list {
		if len(m.Data) < unix.SizeofIfAddrmsg {
			continue
		}
		for typ, v := range netlink.Attributes(m.Data[unix.SizeofIfAddrmsg:]).All() {
			if group, ok := netip.AddrFromSlice(v); ok && typ == unix.IFA_MULTICAST {
				members[membership{int(binary.NativeEndian.Uint32(m.Data[4:])), group}] = true
			}
		}
	}
	return members, err
}

// lacksAllMulticast reports whether an interface is not in all-multicast mode. Kernels
// before 6.0 do not report the mode.
func (c *Conn) lacksAllMulticast(ifindex int) bool {
	const skipStatistics = 8 // RTEXT_FILTER_SKIP_STATS
	request := make(netlink.Attributes, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(request[4:], uint32(ifindex))
	request.Uint32(unix.IFLA_EXT_MASK, skipStatistics)
	lacks := false
	_ = c.ask.Ask(unix.RTM_GETLINK, 0, request, func(m netlink.Message) { // fails if the interface has vanished
		if len(m.Data) < unix.SizeofIfInfomsg {
			return
		}
		for typ, v := range netlink.Attributes(m.Data[unix.SizeofIfInfomsg:]).All() {
			if typ == unix.IFLA_ALLMULTI {
				lacks = netlink.Uint32(v) == 0
			}
		}
	})
	return lacks
}
