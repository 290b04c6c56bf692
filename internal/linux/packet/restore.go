package packet

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// Restore looks for what the kernel has dropped of the interfaces that are heard, takes it
// up again and says how much there was. The kernel drops the groups of an interface when
// its MTU falls below 1280, and all-multicast when it goes to another namespace.
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

// membership is that of an interface, by index, in a group.
type membership struct {
	ifindex int
	group   netip.Addr
}

// members lists the memberships of all interfaces of the namespace, whoever has them.
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

// lacksAllMulticast says whether an interface passes on frames only to groups that it
// was told. Kernels before 6.0 do not tell it.
func (c *Conn) lacksAllMulticast(ifindex int) bool {
	const skipStatistics = 8 // RTEXT_FILTER_SKIP_STATS
	request := make(netlink.Attributes, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(request[4:], uint32(ifindex))
	request.Uint32(unix.IFLA_EXT_MASK, skipStatistics)
	lacks := false
	_ = c.ask.Ask(unix.RTM_GETLINK, 0, request, func(m netlink.Message) { // fails for one that has vanished
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
