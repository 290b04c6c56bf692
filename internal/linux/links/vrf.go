package links

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// lastResort is the metric of a route behind every other.
const lastResort = 4278198272

// AddVRF makes a VRF, which is up, with a routing table: the addresses, routes and
// sockets of the interfaces bound to it are apart from all others. What the table has
// no route to is unreachable and not looked for in other tables. It fails with
// ErrNoDriver where the kernel has no VRFs.
func (h *Handle) AddVRF(name string, table uint32) error {
	data, err := ifInfo{flags: unix.IFF_UP, change: unix.IFF_UP}.encode(func(ae *netlink.AttributeEncoder) {
		ae.String(unix.IFLA_IFNAME, name)
		info(ae, "vrf", func(ae *netlink.AttributeEncoder) { ae.Uint32(unix.IFLA_VRF_TABLE, table) })
	})
	err = h.change(unix.RTM_NEWLINK, netlink.Create|netlink.Excl, data, err)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("create VRF %s: %w (vrf)", name, ErrNoDriver)
	}
	if err == nil {
		err = h.unreachable(unix.RTM_NEWROUTE, netlink.Create|netlink.Replace, table)
	}
	if err != nil {
		return fmt.Errorf("create VRF %s: %w", name, err)
	}
	return nil
}

// DeleteVRF removes a VRF made by AddVRF. Interfaces bound to it are set free.
func (h *Handle) DeleteVRF(name string) error {
	l, err := h.Link(name)
	if err != nil {
		return err
	}
	err = h.unreachable(unix.RTM_DELROUTE, 0, l.VRF)
	if errors.Is(err, unix.ESRCH) {
		err = nil // somebody else has taken the route away
	}
	return errors.Join(err, h.Delete(name))
}

// unreachable adds or deletes the last route of a VRF's table.
func (h *Handle) unreachable(typ netlink.HeaderType, flags netlink.HeaderFlags, table uint32) error {
	// struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags.
	b := make([]byte, unix.SizeofRtMsg, 64)
	b[0], b[5], b[6], b[7] = unix.AF_INET6, unix.RTPROT_STATIC, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNREACHABLE
	data, err := appendAttributes(b, func(ae *netlink.AttributeEncoder) {
		ae.Uint32(unix.RTA_TABLE, table)
		ae.Uint32(unix.RTA_PRIORITY, lastResort)
	})
	return h.change(typ, flags, data, err)
}

// BindVRF puts an interface into a VRF; Release takes it out. Either takes global
// IPv6 addresses away from it unless its keep_addr_on_down is set.
func (h *Handle) BindVRF(vrf, name string) error {
	master, err := h.index(vrf)
	if err != nil {
		return err
	}
	return h.set(name, "bind to VRF", ifInfo{}, func(ae *netlink.AttributeEncoder) {
		ae.Uint32(unix.IFLA_MASTER, uint32(master))
	})
}

func parseVRF(data []byte) (table uint32) {
	attributes(data, func(ad *netlink.AttributeDecoder) {
		if b := ad.Bytes(); ad.Type() == unix.IFLA_VRF_TABLE && len(b) == 4 {
			table = binary.NativeEndian.Uint32(b)
		}
	})
	return table
}
