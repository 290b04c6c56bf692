package links

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// Link is an interface as the kernel shows it at one moment.
type Link struct {
	Name  string
	Alias string // its ifalias, empty when there is none
	Index int
	// Exists is false in the last word of a Monitor on an interface that is
	// gone; only Name, Alias and Index are set then.
	Exists bool
	// AdminUp says that the interface is enabled, Up that it can carry packets
	// as well: it has carrier and its driver calls it operational.
	AdminUp, Up bool
	MTU         int
	Master      int // index of the bridge or bond that it is a port of, else 0
	// Kind is the driver's name of a virtual interface, such as veth or bond.
	Kind         string
	Bond         *Bond // nil when it is not a bond
	VLAN         VLAN
	VRF          uint32 // routing table of a VRF, else 0
	HardwareAddr net.HardwareAddr
	// Addresses are the IPv6 and IPv4 addresses that can be used, sorted.
	// Those that are still tentative or were found to be duplicates are left out.
	Addresses []netip.Prefix
	// LinkLocal is the lowest of the usable IPv6 link-local addresses, the
	// zero Addr while there is none.
	LinkLocal netip.Addr
}

// equal says whether two links look the same.
func (l Link) equal(o Link) bool {
	return l.Name == o.Name && l.Alias == o.Alias && l.Index == o.Index && l.Exists == o.Exists &&
		l.AdminUp == o.AdminUp && l.Up == o.Up && l.MTU == o.MTU && l.Master == o.Master &&
		l.Kind == o.Kind && l.VLAN == o.VLAN && l.VRF == o.VRF && l.Bond.equal(o.Bond) &&
		slices.Equal(l.HardwareAddr, o.HardwareAddr) &&
		slices.Equal(l.Addresses, o.Addresses) && l.LinkLocal == o.LinkLocal
}

func (b *Bond) equal(o *Bond) bool { return b == o || b != nil && o != nil && *b == *o }

// setAddresses takes over a list of usable addresses.
func (l *Link) setAddresses(list []netip.Prefix) {
	l.Addresses, l.LinkLocal = slices.Clone(list), netip.Addr{}
	slices.SortFunc(l.Addresses, netip.Prefix.Compare)
	for _, p := range l.Addresses {
		a := p.Addr()
		if a.Is6() && a.IsLinkLocalUnicast() && (!l.LinkLocal.IsValid() || a.Less(l.LinkLocal)) {
			l.LinkLocal = a
		}
	}
}

// running are the flags of an interface that can carry packets.
const running = unix.IFF_UP | unix.IFF_LOWER_UP | unix.IFF_RUNNING

var errShort = errors.New("rtnetlink message is too short")

// parseLink decodes a link message. The family is that of the part of the
// kernel that speaks: a bridge tells of its ports with AF_BRIDGE.
func parseLink(b []byte) (l Link, family uint8, err error) {
	if len(b) < unix.SizeofIfInfomsg {
		return l, 0, errShort
	}
	flags := binary.NativeEndian.Uint32(b[8:])
	l = Link{
		Index:   int(int32(binary.NativeEndian.Uint32(b[4:]))),
		Exists:  true,
		AdminUp: flags&unix.IFF_UP != 0,
		Up:      flags&running == running,
	}
	below := 0
	for typ, v := range netlink.Attributes(b[unix.SizeofIfInfomsg:]).All() {
		switch typ {
		case unix.IFLA_IFNAME:
			l.Name = netlink.Text(v)
		case unix.IFLA_IFALIAS:
			l.Alias = netlink.Text(v)
		case unix.IFLA_MTU:
			l.MTU = int(netlink.Uint32(v))
		case unix.IFLA_MASTER:
			l.Master = int(netlink.Uint32(v))
		case unix.IFLA_ADDRESS:
			l.HardwareAddr = slices.Clone(v)
		case unix.IFLA_LINK:
			below = int(int32(netlink.Uint32(v)))
		case unix.IFLA_LINKINFO:
			l.Kind = netlink.Text(nested(v, unix.IFLA_INFO_KIND))
		}
	}
	switch l.Kind {
	case "bond":
		l.Bond = parseBond(driverData(b, unix.IFLA_INFO_DATA))
	case "vlan":
		l.VLAN = VLAN{ID: parseVLAN(driverData(b, unix.IFLA_INFO_DATA)), Parent: below}
	case "vrf":
		l.VRF = parseVRF(driverData(b, unix.IFLA_INFO_DATA))
	}
	return l, b[0], nil
}

// address is one address of one interface.
type address struct {
	index  int
	prefix netip.Prefix
	usable bool
}

// parseAddress decodes an address message.
func parseAddress(b []byte) (a address, err error) {
	if len(b) < unix.SizeofIfAddrmsg {
		return a, errShort
	}
	a.index = int(int32(binary.NativeEndian.Uint32(b[4:])))
	flags := uint32(b[2])
	var local, peer netip.Addr
	for typ, v := range netlink.Attributes(b[unix.SizeofIfAddrmsg:]).All() {
		switch typ {
		case unix.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(v)
		case unix.IFA_ADDRESS:
			peer, _ = netip.AddrFromSlice(v)
		case unix.IFA_FLAGS:
			flags = netlink.Uint32(v)
		}
	}
	// With a point-to-point address IFA_ADDRESS is the other end.
	if !local.IsValid() {
		local = peer
	}
	a.prefix = netip.PrefixFrom(local, int(b[1]))
	a.usable = a.prefix.IsValid() && flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) == 0
	return a, nil
}

// List returns all interfaces of the namespace by index.
func (h *Handle) List() ([]Link, error) {
	links, addrs, err := h.dump()
	if err != nil {
		return nil, err
	}
	for i := range links {
		links[i].setAddresses(usable(addrs, links[i].Index))
	}
	slices.SortFunc(links, func(a, b Link) int { return a.Index - b.Index })
	return links, nil
}

// Link returns one interface by name, ErrNotFound when there is none.
func (h *Handle) Link(name string) (Link, error) {
	data := ifInfo{}.encode(func(add *netlink.Attributes) { add.String(unix.IFLA_IFNAME, name) })
	var l Link
	var short error
	err := h.ask(unix.RTM_GETLINK, data, func(m netlink.Message) { l, _, short = parseLink(m.Data) })
	if errors.Is(err, unix.ENODEV) {
		err = ErrNotFound
	}
	if err = errors.Join(err, short); err != nil {
		return Link{}, fmt.Errorf("interface %s: %w", name, err)
	}
	addrs, err := h.dumpAddresses()
	l.setAddresses(usable(addrs, l.Index))
	return l, err
}

// index looks an interface up by name.
func (h *Handle) index(name string) (int, error) {
	l, err := h.Link(name)
	return l.Index, err
}

func usable(all []address, index int) (list []netip.Prefix) {
	for _, a := range all {
		if a.index == index && a.usable {
			list = append(list, a.prefix)
		}
	}
	return list
}

// dump asks for all links and all addresses. The two answers are taken one
// after the other, so an address may be of a link that the first did not have.
func (h *Handle) dump() ([]Link, []address, error) {
	msgs, err := h.linkMessages()
	if err != nil {
		return nil, nil, err
	}
	links := make([]Link, 0, len(msgs))
	for _, m := range msgs {
		l, _, err := parseLink(m.Data)
		if err != nil {
			return nil, nil, fmt.Errorf("list interfaces: %w", err)
		}
		links = append(links, l)
	}
	addrs, err := h.dumpAddresses()
	return links, addrs, err
}

func (h *Handle) dumpAddresses() ([]address, error) {
	msgs, err := h.list(unix.RTM_GETADDR, ifAddr{}.encode(nil))
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	addrs := make([]address, 0, len(msgs))
	for _, m := range msgs {
		a, err := parseAddress(m.Data)
		if err != nil {
			return nil, fmt.Errorf("list addresses: %w", err)
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}
