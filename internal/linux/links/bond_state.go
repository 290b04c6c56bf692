package links

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// Port is the state of an interface as the port of a bond.
type Port struct {
	Name  string
	Index int
	// Active means that the port carries traffic, Carrier that the bond sees the link up.
	Active, Carrier bool
	Failures        uint32 // how often the link has gone down
	// Aggregator is the number of the aggregator to which LACP has assigned the port.
	Aggregator     uint16
	Actor, Partner PortState
}

// PortState is the state of a port in LACPDUs (IEEE 802.1AX, section 6.4.2.3).
type PortState uint8

// Bits of a port's state.
const (
	PortActivity PortState = 1 << iota
	PortShortTimeout
	PortAggregation
	PortSynchronization
	PortCollecting
	PortDistributing
	PortDefaulted
	PortExpired
)

// String returns the bits in the order in which they are sent, the lowest first.
func (s PortState) String() string {
	var b strings.Builder
	for i := range 8 {
		b.WriteByte('0' + byte(s>>i&1))
	}
	return b.String()
}

// Forwarding reports whether the port collects and distributes: it is in the aggregate.
func (s PortState) Forwarding() bool {
	const both = PortSynchronization | PortCollecting | PortDistributing
	return s&both == both
}

// BondState is the state of a bond at one moment.
type BondState struct {
	Link
	// Aggregator is the active aggregator, Active the number of its ports. These and the keys
	// are zero without LACP, and if the kernel hides them.
	Aggregator, Active   uint16
	ActorKey, PartnerKey uint16 // operational LACP keys
	PartnerSystem        net.HardwareAddr
	Ports                []Port // the ports, by index
}

// Bond returns a bond and its ports. It returns ErrNotFound if there is no interface with that
// name, or if it is not a bond.
func (h *Handle) Bond(name string) (BondState, error) {
	msgs, err := h.linkMessages()
	if err != nil {
		return BondState{}, err
	}
	var state BondState
	for _, m := range msgs {
		if l, _, err := parseLink(m.Data); err == nil && l.Name == name && l.Bond != nil {
			state.Link = l
			state.aggregate(m.Data)
		}
	}
	if !state.Exists {
		return state, fmt.Errorf("bond %s: %w", name, ErrNotFound)
	}
	for _, m := range msgs {
		l, _, err := parseLink(m.Data)
		if err == nil && l.Master == state.Index {
			state.Ports = append(state.Ports, parsePort(l, m.Data))
		}
	}
	slices.SortFunc(state.Ports, func(a, b Port) int { return a.Index - b.Index })
	return state, nil
}

// Aggregated returns the ports that carry traffic. Such a port has a carrier, belongs to the
// active aggregator, and collects and distributes at both ends of its link. The aggregator must
// be compared, because the ports of other aggregators also have the bits Collecting and
// Distributing set.
func (s BondState) Aggregated() (ports []string) {
	for _, p := range s.Ports {
		if p.Aggregator == s.Aggregator && p.Carrier && p.Actor.Forwarding() && p.Partner.Forwarding() {
			ports = append(ports, p.Name)
		}
	}
	return ports
}

func (h *Handle) linkMessages() ([]netlink.Message, error) {
	msgs, err := h.list(unix.RTM_GETLINK, ifInfo{}.encode(nil))
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	return msgs, nil
}

// aggregate decodes the LACP state of a bond.
func (s *BondState) aggregate(msg []byte) {
	for typ, v := range nested(driverData(msg, unix.IFLA_INFO_DATA), unix.IFLA_BOND_AD_INFO).All() {
		switch typ {
		case unix.IFLA_BOND_AD_INFO_PARTNER_MAC:
			s.PartnerSystem = slices.Clone(v)
		case unix.IFLA_BOND_AD_INFO_AGGREGATOR:
			s.Aggregator = netlink.Uint16(v)
		case unix.IFLA_BOND_AD_INFO_NUM_PORTS:
			s.Active = netlink.Uint16(v)
		case unix.IFLA_BOND_AD_INFO_ACTOR_KEY:
			s.ActorKey = netlink.Uint16(v)
		case unix.IFLA_BOND_AD_INFO_PARTNER_KEY:
			s.PartnerKey = netlink.Uint16(v)
		}
	}
}

func parsePort(l Link, msg []byte) Port {
	p := Port{Name: l.Name, Index: l.Index}
	for typ, v := range driverData(msg, unix.IFLA_INFO_SLAVE_DATA).All() {
		switch typ {
		case unix.IFLA_BOND_SLAVE_STATE:
			p.Active = netlink.Uint8(v) == 0 // BOND_STATE_ACTIVE
		case unix.IFLA_BOND_SLAVE_MII_STATUS:
			p.Carrier = netlink.Uint8(v) == 0 // BOND_LINK_UP
		case unix.IFLA_BOND_SLAVE_LINK_FAILURE_COUNT:
			p.Failures = netlink.Uint32(v)
		case unix.IFLA_BOND_SLAVE_AD_AGGREGATOR_ID:
			p.Aggregator = netlink.Uint16(v)
		case unix.IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE:
			p.Actor = PortState(netlink.Uint8(v))
		case unix.IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE:
			p.Partner = PortState(netlink.Uint16(v))
		}
	}
	return p
}

// parseBond decodes the settings of a bond.
func parseBond(data netlink.Attributes) *Bond {
	b := &Bond{Hidden: true}
	for typ, v := range data.All() {
		switch typ {
		case unix.IFLA_BOND_MODE:
			b.Mode = BondMode(netlink.Uint8(v))
		case unix.IFLA_BOND_MIIMON:
			b.Monitor = time.Duration(netlink.Uint32(v)) * time.Millisecond
		case unix.IFLA_BOND_AD_LACP_RATE:
			b.Fast = netlink.Uint8(v) == 1
		case unix.IFLA_BOND_AD_USER_PORT_KEY:
			b.ActorKey = netlink.Uint16(v)
		case unix.IFLA_BOND_AD_ACTOR_SYS_PRIO:
			b.ActorPriority, b.Hidden = netlink.Uint16(v), false
		case unix.IFLA_BOND_AD_ACTOR_SYSTEM:
			if len(v) == len(b.ActorSystem) {
				b.ActorSystem = [6]byte(v)
			}
		}
	}
	return b
}

// driverData returns one nested part of a link message's IFLA_LINKINFO.
func driverData(msg []byte, part uint16) netlink.Attributes {
	if len(msg) < unix.SizeofIfInfomsg {
		return nil
	}
	return nested(nested(netlink.Attributes(msg[unix.SizeofIfInfomsg:]), unix.IFLA_LINKINFO), part)
}

// nested returns the attributes inside the attribute of a type, none if there is no such
// attribute.
func nested(in netlink.Attributes, want uint16) netlink.Attributes {
	for typ, v := range in.All() {
		if typ == want {
			return v
		}
	}
	return nil
}
