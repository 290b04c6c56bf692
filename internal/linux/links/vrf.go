package links

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// lastResort is the metric of a route that is used only if no other matches.
const lastResort = 4278198272

// AddVRF makes a VRF, which is up, with a routing table. Addresses, routes and sockets of
// the interfaces bound to it are separate from all others. A destination without a route in
// this table is unreachable; other tables are not searched. It returns ErrNoDriver if the
// kernel has no VRFs.
func (h *Handle) AddVRF(name string, table uint32) error {
	data := ifInfo{flags: unix.IFF_UP, change: unix.IFF_UP}.encode(func(add *netlink.Attributes) {
		add.String(unix.IFLA_IFNAME, name)
		info(add, "vrf", func(add *netlink.Attributes) { add.Uint32(unix.IFLA_VRF_TABLE, table) })
	})
	if err := h.create("VRF "+name, "vrf", data); err != nil {
		return err
	}
	if err := h.unreachable(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, table); err != nil {
		return fmt.Errorf("create VRF %s: %w", name, err)
	}
	return nil
}

// DeleteVRF removes a VRF made by AddVRF. Its interfaces return to no VRF.
func (h *Handle) DeleteVRF(name string) error {
	l, err := h.Link(name)
	if err != nil {
		return err
	}
	err = h.unreachable(unix.RTM_DELROUTE, 0, l.VRF)
	if errors.Is(err, unix.ESRCH) {
		err = nil // another program has already deleted the route
	}
	return errors.Join(err, h.Delete(name))
}

// unreachable adds or deletes the unreachable default route of a VRF's table.
func (h *Handle) unreachable(typ, flags uint16, table uint32) error {
	// struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags.
	b := make(netlink.Attributes, unix.SizeofRtMsg, 64)
	b[0], b[5], b[6], b[7] = unix.AF_INET6, unix.RTPROT_STATIC, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNREACHABLE
	b.Uint32(unix.RTA_TABLE, table)
	b.Uint32(unix.RTA_PRIORITY, lastResort)
	return h.change(typ, flags, b)
}

// BindVRF puts an interface into a VRF; Release takes it out. Both remove global IPv6
// addresses from the interface unless its sysctl keep_addr_on_down is set.
func (h *Handle) BindVRF(vrf, name string) error {
	master, err := h.index(vrf)
	if err != nil {
		return err
	}
	return h.setMaster(name, "bind to VRF", master)
}

func parseVRF(data netlink.Attributes) (table uint32) {
	for typ, v := range data.All() {
		if typ == unix.IFLA_VRF_TABLE {
			table = netlink.Uint32(v)
		}
	}
	return table
}
