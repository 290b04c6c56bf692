package links

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// SetUp enables or disables an interface.
func (h *Handle) SetUp(name string, up bool) error {
	i := ifInfo{change: unix.IFF_UP}
	verb := "disable"
	if up {
		i.flags, verb = unix.IFF_UP, "enable"
	}
	return h.set(name, verb, i, nil)
}

// set changes an interface by name.
func (h *Handle) set(name, verb string, i ifInfo, fill func(*netlink.Attributes)) error {
	index, err := h.index(name)
	if err != nil {
		return err
	}
	i.index = index
	data := i.encode(fill)
	if err := h.change(unix.RTM_NEWLINK, 0, data); err != nil {
		return fmt.Errorf("%s interface %s: %w", verb, name, err)
	}
	return nil
}

// setMaster makes an interface a port of another one; index 0 removes it.
func (h *Handle) setMaster(port, verb string, master int) error {
	return h.set(port, verb, ifInfo{}, func(add *netlink.Attributes) { add.Uint32(unix.IFLA_MASTER, uint32(master)) })
}

// AddAddress gives an interface an address that can be used at once: IPv6 addresses are
// added without Duplicate Address Detection. If the interface has the address already,
// this is no error.
func (h *Handle) AddAddress(name string, p netip.Prefix) error {
	return h.setAddress(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, "add", name, p)
}

// DeleteAddress removes an address from an interface.
func (h *Handle) DeleteAddress(name string, p netip.Prefix) error {
	return h.setAddress(unix.RTM_DELADDR, 0, "delete", name, p)
}

func (h *Handle) setAddress(typ, flags uint16, verb, name string, p netip.Prefix) error {
	index, err := h.index(name)
	if err != nil {
		return err
	}
	head := ifAddr{family: family(p.Addr()), bits: uint8(p.Bits()), index: index}
	data := head.encode(func(add *netlink.Attributes) {
		add.Bytes(unix.IFA_LOCAL, p.Addr().AsSlice())
		add.Bytes(unix.IFA_ADDRESS, p.Addr().AsSlice())
		if p.Addr().Is6() {
			add.Uint32(unix.IFA_FLAGS, unix.IFA_F_NODAD)
		}
	})
	if err := h.change(typ, flags, data); err != nil {
		return fmt.Errorf("%s address %s on %s: %w", verb, p, name, err)
	}
	return nil
}

func family(a netip.Addr) uint8 {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}
