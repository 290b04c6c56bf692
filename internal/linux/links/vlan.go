package links

import (
	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// VLAN is what makes an interface the sub-interface of another one: it gets
// the frames of one IEEE 802.1Q VLAN.
type VLAN struct {
	ID     uint16 // 1..4094; 0 for an interface that is none
	Parent int    // index of the interface below
}

// AddVLAN makes a sub-interface for one VLAN. It is down. It fails with
// ErrNoDriver where the kernel has no VLANs.
func (h *Handle) AddVLAN(name, parent string, id uint16) error {
	below, err := h.index(parent)
	if err != nil {
		return err
	}
	data := ifInfo{}.encode(func(add *netlink.Attributes) {
		add.String(unix.IFLA_IFNAME, name)
		add.Uint32(unix.IFLA_LINK, uint32(below))
		info(add, "vlan", func(add *netlink.Attributes) { add.Uint16(unix.IFLA_VLAN_ID, id) })
	})
	return h.create("sub-interface "+name, "8021q", data)
}

func parseVLAN(data netlink.Attributes) (id uint16) {
	for typ, v := range data.All() {
		if typ == unix.IFLA_VLAN_ID {
			id = netlink.Uint16(v)
		}
	}
	return id
}
