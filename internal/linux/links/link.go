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
	Alias string // the ifalias, empty if there is none
	Index int
	// Exists is false in the last report of a Monitor on an interface that is gone. Only
	// Name, Alias and Index are set then.
	Exists bool
	// AdminUp means that the interface is enabled. Up means that it can also carry packets:
	// it has carrier, and its driver reports it as operational.
	AdminUp, Up bool
	MTU         int
	Master      int // index of the bridge or bond of which the interface is a port, else 0
	// Kind is the driver's name of a virtual interface, such as veth or bond.
	Kind         string
	Bond         *Bond // nil if the interface is not a bond
	VLAN         VLAN
	VRF          uint32 // routing table of a VRF, else 0
	HardwareAddr net.HardwareAddr
	// Addresses are the IPv6 and IPv4 addresses that can be used, sorted.
	// Those that are still tentative or were found to be duplicates are left out.
	Addresses []netip.Prefix
	// LinkLocal is the lowest usable IPv6 link-local address. It is the zero Addr if there
	// is none.
	LinkLocal netip.Addr
	// Tentative means that Duplicate Address Detection runs for a link-local address of the
	// interface. Duplicate means that another node has such an address (RFC 4862 section
	// 5.4).
	Tentative, Duplicate bool
	// NoIPv6 means that the kernel has switched IPv6 off on the interface, for instance
	// by the sysctl disable_ipv6. An interface whose MTU is too small for IPv6 has no
	// IPv6 either.
	NoIPv6 bool
}

// Equal reports whether two links have the same state.
func (l Link) Equal(o Link) bool {
	return l.Name == o.Name && l.Alias == o.Alias && l.Index == o.Index && l.Exists == o.Exists &&
		l.AdminUp == o.AdminUp && l.Up == o.Up && l.MTU == o.MTU && l.Master == o.Master &&
		l.Kind == o.Kind && l.VLAN == o.VLAN && l.VRF == o.VRF && l.Bond.equal(o.Bond) &&
		slices.Equal(l.HardwareAddr, o.HardwareAddr) &&
		slices.Equal(l.Addresses, o.Addresses) && l.LinkLocal == o.LinkLocal &&
		l.Tentative == o.Tentative && l.Duplicate == o.Duplicate && l.NoIPv6 == o.NoIPv6
}

func (b *Bond) equal(o *Bond) bool { return b == o || b != nil && o != nil && *b == *o }

// setAddresses sets the fields of the link that derive from its addresses.
func (l *Link) setAddresses(all map[netip.Prefix]condition) {
	l.Addresses, l.LinkLocal, l.Tentative, l.Duplicate = nil, netip.Addr{}, false, false
	for p, c := range all {
		a := p.Addr()
		linkLocal := a.Is6() && a.IsLinkLocalUnicast()
		switch {
		case c == usable:
			l.Addresses = append(l.Addresses, p)
			if linkLocal && (!l.LinkLocal.IsValid() || a.Less(l.LinkLocal)) {
				l.LinkLocal = a
			}
		case linkLocal:
			l.Tentative = l.Tentative || c == tentative
			l.Duplicate = l.Duplicate || c == duplicate
		}
	}
	slices.SortFunc(l.Addresses, netip.Prefix.Compare)
}

// running holds the flags of an interface that can carry packets.
const running = unix.IFF_UP | unix.IFF_LOWER_UP | unix.IFF_RUNNING

var errShort = errors.New("rtnetlink message is too short")

// parseLink decodes a link message. The family says which part of the kernel has sent the
// message: a bridge reports its ports with AF_BRIDGE.
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
		case unix.IFLA_AF_SPEC:
			l.NoIPv6 = !hasIPv6(nested(v, unix.AF_INET6))
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

// Attributes of a link message about IPv6 (enum in linux/if_link.h and linux/ipv6.h).
const (
	inet6Conf   = 2  // IFLA_INET6_CONF: the sysctls of the interface, 4 bytes each
	disableIPv6 = 26 // DEVCONF_DISABLE_IPV6
)

// hasIPv6 decodes the IPv6 part of a link message. That part is empty if the interface has
// no IPv6.
func hasIPv6(inet6 []byte) bool {
	conf := nested(inet6, inet6Conf)
	if len(conf) < 4*(disableIPv6+1) {
		return false
	}
	return binary.NativeEndian.Uint32(conf[4*disableIPv6:]) == 0
}

// address is one address of one interface.
type address struct {
	index     int
	prefix    netip.Prefix
	condition condition
}

// condition says whether an address can be used.
type condition uint8

const (
	usable condition = iota
	tentative
	duplicate
)

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
	// For a point-to-point address, IFA_ADDRESS is the other end.
	if !local.IsValid() {
		local = peer
	}
	a.prefix = netip.PrefixFrom(local, int(b[1]))
	switch {
	case flags&unix.IFA_F_DADFAILED != 0:
		a.condition = duplicate
	case flags&unix.IFA_F_TENTATIVE != 0, !a.prefix.IsValid():
		a.condition = tentative
	}
	return a, nil
}

// List returns all interfaces of the namespace by index.
func (h *Handle) List() ([]Link, error) {
	links, addrs, err := h.dump()
	if err != nil {
		return nil, err
	}
	for i := range links {
		links[i].setAddresses(of(addrs, links[i].Index))
	}
	slices.SortFunc(links, func(a, b Link) int { return a.Index - b.Index })
	return links, nil
}

// Link returns one interface by name. It returns ErrNotFound if there is none.
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
	l.setAddresses(of(addrs, l.Index))
	return l, err
}

// index returns the index of an interface by name.
func (h *Handle) index(name string) (int, error) {
	l, err := h.Link(name)
	return l.Index, err
}

// of returns the addresses of one interface.
func of(all []address, index int) map[netip.Prefix]condition {
	found := make(map[netip.Prefix]condition)
	for _, a := range all {
		if a.index == index {
			found[a.prefix] = a.condition
		}
	}
	return found
}

// dump asks for all links, then for all addresses. So an address may belong to a link that
// was made after the first answer.
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
