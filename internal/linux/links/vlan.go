package links

import (
	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// VLAN makes an interface a sub-interface of another one: it receives the frames of one
// IEEE 802.1Q VLAN.
type VLAN struct {
	ID     uint16 // 1..4094; 0 if the interface is not a sub-interface
	Parent int    // index of the parent interface
}

// AddVLAN makes a sub-interface for one VLAN. It is down. It returns ErrNoDriver if the
// kernel has no VLANs.
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
