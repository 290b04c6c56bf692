package links

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
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
	data, err := ifInfo{}.encode(func(ae *netlink.AttributeEncoder) {
		ae.String(unix.IFLA_IFNAME, name)
		ae.Uint32(unix.IFLA_LINK, uint32(below))
		info(ae, "vlan", func(ae *netlink.AttributeEncoder) { ae.Uint16(unix.IFLA_VLAN_ID, id) })
	})
	err = h.change(unix.RTM_NEWLINK, netlink.Create|netlink.Excl, data, err)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("create sub-interface %s: %w (8021q)", name, ErrNoDriver)
	}
	if err != nil {
		return fmt.Errorf("create sub-interface %s: %w", name, err)
	}
	return nil
}

func parseVLAN(data []byte) (id uint16) {
	attributes(data, func(ad *netlink.AttributeDecoder) {
		if b := ad.Bytes(); ad.Type() == unix.IFLA_VLAN_ID && len(b) == 2 {
			id = binary.NativeEndian.Uint16(b)
		}
	})
	return id
}
