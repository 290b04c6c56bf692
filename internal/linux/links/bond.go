package links

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// ErrNoDriver says that the kernel has no driver for a kind of interface.
var ErrNoDriver = errors.New("the kernel lacks the driver")

// BondMode is how a bond spreads over its ports (BOND_MODE_* of linux/if_bonding.h).
type BondMode uint8

// Modes. A bond of another mode can be there, but none is made.
const (
	BondXOR  BondMode = 2 // static link aggregation: every port with carrier takes part
	BondLACP BondMode = 4 // IEEE 802.1AX, formerly 802.3ad: ports that the partner selects too
)

func (m BondMode) String() string {
	switch m {
	case BondXOR:
		return "balance-xor"
	case BondLACP:
		return "802.3ad"
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// Bond holds the settings of a bond.
type Bond struct {
	Mode BondMode
	// Monitor is how often the carrier of the ports is looked at, in
	// milliseconds; the kernel rounds it up to its own tick.
	Monitor time.Duration

	// The rest is for LACP only.

	// Fast asks the partner for a LACPDU a second instead of one in 30 seconds.
	// It can be changed only while the bond is down.
	Fast bool
	// ActorKey is the administrative key, 0..1023: the partner puts ports of one
	// system with one key into one aggregate. It can be changed only while the
	// bond is down.
	ActorKey uint16
	// ActorPriority is the system priority, 1..65535, ActorSystem the system
	// identifier; a zero one stands for the bond's own address. Two bonds with
	// the same three are one system for their partner.
	ActorPriority uint16
	ActorSystem   [6]byte
	// Hidden says that the kernel did not tell the last three: it tells them
	// only to an administrator of the whole machine.
	Hidden bool
}

// Port is the side of an interface that is a port of a bond.
type Port struct {
	Name  string
	Index int
	// Active ports carry traffic, Carrier says that the bond sees the link up.
	Active, Carrier bool
	Failures        uint32 // how often the link has gone down
	// Aggregator is the number of the aggregator that LACP has put the port into.
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

// String returns the bits in the order of their sending, the lowest first.
func (s PortState) String() string {
	var b strings.Builder
	for i := range 8 {
		b.WriteByte('0' + byte(s>>i&1))
	}
	return b.String()
}

// Forwarding says that both ways are open: the port is in the aggregate.
func (s PortState) Forwarding() bool {
	const both = PortSynchronization | PortCollecting | PortDistributing
	return s&both == both
}

// BondState is a bond as it is at one moment.
type BondState struct {
	Link
	// Aggregator is the active one; Active is how many ports are in it. These
	// and the keys are zero without LACP, and where the kernel hides them.
	Aggregator, Active   uint16
	ActorKey, PartnerKey uint16 // operational keys
	PartnerSystem        net.HardwareAddr
	Ports                []Port // by index
}

// xmitLayer34 is BOND_XMIT_POLICY_LAYER34: flows are told by addresses and ports.
const xmitLayer34 = 1

// AddBond makes a bond, which is down and has no ports. Without a hardware
// address it takes that of its first port. It fails with ErrNoDriver where the
// kernel has no bonding.
func (h *Handle) AddBond(name string, b Bond, mac net.HardwareAddr) error {
	data, err := ifInfo{}.encode(func(ae *netlink.AttributeEncoder) {
		ae.String(unix.IFLA_IFNAME, name)
		if len(mac) > 0 {
			ae.Bytes(unix.IFLA_ADDRESS, mac)
		}
		info(ae, "bond", func(ae *netlink.AttributeEncoder) {
			ae.Uint8(unix.IFLA_BOND_MODE, uint8(b.Mode))
			ae.Uint32(unix.IFLA_BOND_MIIMON, uint32(b.Monitor/time.Millisecond))
			ae.Uint8(unix.IFLA_BOND_XMIT_HASH_POLICY, xmitLayer34)
			if b.Mode == BondLACP {
				ae.Uint8(unix.IFLA_BOND_AD_LACP_RATE, flag(b.Fast))
				ae.Uint16(unix.IFLA_BOND_AD_USER_PORT_KEY, b.ActorKey)
				actor(b)(ae)
			}
		})
	})
	err = h.change(unix.RTM_NEWLINK, netlink.Create|netlink.Excl, data, err)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("create bond %s: %w (bonding)", name, ErrNoDriver)
	}
	if err != nil {
		return fmt.Errorf("create bond %s: %w", name, err)
	}
	return nil
}

func actor(b Bond) func(*netlink.AttributeEncoder) {
	return func(ae *netlink.AttributeEncoder) {
		ae.Uint16(unix.IFLA_BOND_AD_ACTOR_SYS_PRIO, max(b.ActorPriority, 1))
		ae.Bytes(unix.IFLA_BOND_AD_ACTOR_SYSTEM, b.ActorSystem[:])
	}
}

// info encodes the part of a link message that is the driver's.
func info(ae *netlink.AttributeEncoder, kind string, fill func(*netlink.AttributeEncoder)) {
	nest(ae, unix.IFLA_LINKINFO, func(ae *netlink.AttributeEncoder) {
		ae.String(unix.IFLA_INFO_KIND, kind)
		nest(ae, unix.IFLA_INFO_DATA, fill)
	})
}

// setBond changes settings of a bond.
func (h *Handle) setBond(name, what string, fill func(*netlink.AttributeEncoder)) error {
	return h.set(name, "set "+what+" of", ifInfo{}, func(ae *netlink.AttributeEncoder) { info(ae, "bond", fill) })
}

// SetActor gives a bond another LACP system; it may be up. A partner that had
// its ports together with those of the old system takes them out at once.
func (h *Handle) SetActor(name string, priority uint16, system [6]byte) error {
	return h.setBond(name, "LACP system", actor(Bond{ActorPriority: priority, ActorSystem: system}))
}

// SetLACP changes the LACP settings that want the bond to be down.
func (h *Handle) SetLACP(name string, fast bool, key uint16) error {
	return h.setBond(name, "LACP timeout and key", func(ae *netlink.AttributeEncoder) {
		ae.Uint8(unix.IFLA_BOND_AD_LACP_RATE, flag(fast))
		ae.Uint16(unix.IFLA_BOND_AD_USER_PORT_KEY, key)
	})
}

// SetBondMode changes the mode of a bond that is down and has no ports.
func (h *Handle) SetBondMode(name string, mode BondMode) error {
	return h.setBond(name, "mode", func(ae *netlink.AttributeEncoder) { ae.Uint8(unix.IFLA_BOND_MODE, uint8(mode)) })
}

// SetMonitor changes how often a bond looks at the carrier of its ports.
func (h *Handle) SetMonitor(name string, every time.Duration) error {
	return h.setBond(name, "link monitor", func(ae *netlink.AttributeEncoder) {
		ae.Uint32(unix.IFLA_BOND_MIIMON, uint32(every/time.Millisecond))
	})
}

// SetHardwareAddr gives an interface an Ethernet address.
func (h *Handle) SetHardwareAddr(name string, mac net.HardwareAddr) error {
	return h.set(name, "set address of", ifInfo{}, func(ae *netlink.AttributeEncoder) { ae.Bytes(unix.IFLA_ADDRESS, mac) })
}

// Enslave makes an interface a port of a bond. The interface goes down for it
// and comes up as a port.
func (h *Handle) Enslave(bond, port string) error {
	master, err := h.index(bond)
	if err != nil {
		return err
	}
	if err := h.SetUp(port, false); err != nil {
		return err
	}
	return h.set(port, "add port", ifInfo{}, func(ae *netlink.AttributeEncoder) {
		ae.Uint32(unix.IFLA_MASTER, uint32(master))
	})
}

// Release takes an interface out of its bond or bridge. The kernel gives a
// bond's former port its own address back and leaves it down.
func (h *Handle) Release(port string) error {
	return h.set(port, "release port", ifInfo{}, func(ae *netlink.AttributeEncoder) { ae.Uint32(unix.IFLA_MASTER, 0) })
}

// Bond returns a bond and its ports. It fails with ErrNotFound when there is no
// interface of that name, and when it is not a bond.
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

func (h *Handle) linkMessages() ([]netlink.Message, error) {
	data, err := ifInfo{}.encode(nil)
	if err != nil {
		return nil, err
	}
	msgs, err := h.request(unix.RTM_GETLINK, netlink.Dump, data)
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	return msgs, nil
}

// aggregate decodes what LACP has made of a bond.
func (s *BondState) aggregate(msg []byte) {
	attributes(driverData(msg, unix.IFLA_INFO_DATA), func(ad *netlink.AttributeDecoder) {
		if ad.Type() != unix.IFLA_BOND_AD_INFO {
			return
		}
		attributes(ad.Bytes(), func(ad *netlink.AttributeDecoder) {
			switch b := ad.Bytes(); {
			case ad.Type() == unix.IFLA_BOND_AD_INFO_PARTNER_MAC:
				s.PartnerSystem = slices.Clone(b)
			case len(b) != 2:
			case ad.Type() == unix.IFLA_BOND_AD_INFO_AGGREGATOR:
				s.Aggregator = binary.NativeEndian.Uint16(b)
			case ad.Type() == unix.IFLA_BOND_AD_INFO_NUM_PORTS:
				s.Active = binary.NativeEndian.Uint16(b)
			case ad.Type() == unix.IFLA_BOND_AD_INFO_ACTOR_KEY:
				s.ActorKey = binary.NativeEndian.Uint16(b)
			case ad.Type() == unix.IFLA_BOND_AD_INFO_PARTNER_KEY:
				s.PartnerKey = binary.NativeEndian.Uint16(b)
			}
		})
	})
}

func parsePort(l Link, msg []byte) Port {
	p := Port{Name: l.Name, Index: l.Index}
	attributes(driverData(msg, unix.IFLA_INFO_SLAVE_DATA), func(ad *netlink.AttributeDecoder) {
		b := ad.Bytes()
		switch {
		case len(b) == 1 && ad.Type() == unix.IFLA_BOND_SLAVE_STATE:
			p.Active = b[0] == 0 // BOND_STATE_ACTIVE
		case len(b) == 1 && ad.Type() == unix.IFLA_BOND_SLAVE_MII_STATUS:
			p.Carrier = b[0] == 0 // BOND_LINK_UP
		case len(b) == 4 && ad.Type() == unix.IFLA_BOND_SLAVE_LINK_FAILURE_COUNT:
			p.Failures = binary.NativeEndian.Uint32(b)
		case len(b) == 2 && ad.Type() == unix.IFLA_BOND_SLAVE_AD_AGGREGATOR_ID:
			p.Aggregator = binary.NativeEndian.Uint16(b)
		case len(b) == 1 && ad.Type() == unix.IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE:
			p.Actor = PortState(b[0])
		case len(b) == 2 && ad.Type() == unix.IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE:
			p.Partner = PortState(binary.NativeEndian.Uint16(b))
		}
	})
	return p
}

// parseBond decodes the settings of a bond.
func parseBond(data []byte) *Bond {
	b := &Bond{Hidden: true}
	attributes(data, func(ad *netlink.AttributeDecoder) {
		v := ad.Bytes()
		switch {
		case len(v) == 1 && ad.Type() == unix.IFLA_BOND_MODE:
			b.Mode = BondMode(v[0])
		case len(v) == 4 && ad.Type() == unix.IFLA_BOND_MIIMON:
			b.Monitor = time.Duration(binary.NativeEndian.Uint32(v)) * time.Millisecond
		case len(v) == 1 && ad.Type() == unix.IFLA_BOND_AD_LACP_RATE:
			b.Fast = v[0] == 1
		case len(v) == 2 && ad.Type() == unix.IFLA_BOND_AD_USER_PORT_KEY:
			b.ActorKey = binary.NativeEndian.Uint16(v)
		case len(v) == 2 && ad.Type() == unix.IFLA_BOND_AD_ACTOR_SYS_PRIO:
			b.ActorPriority, b.Hidden = binary.NativeEndian.Uint16(v), false
		case len(v) == 6 && ad.Type() == unix.IFLA_BOND_AD_ACTOR_SYSTEM:
			b.ActorSystem = [6]byte(v)
		}
	})
	return b
}

// driverData returns one nested part of a link message's IFLA_LINKINFO.
func driverData(msg []byte, part uint16) (data []byte) {
	if len(msg) < unix.SizeofIfInfomsg {
		return nil
	}
	attributes(msg[unix.SizeofIfInfomsg:], func(ad *netlink.AttributeDecoder) {
		if ad.Type() != unix.IFLA_LINKINFO {
			return
		}
		attributes(ad.Bytes(), func(ad *netlink.AttributeDecoder) {
			if ad.Type() == part {
				data = ad.Bytes()
			}
		})
	})
	return data
}

// attributes visits attributes as far as they can be decoded.
func attributes(b []byte, visit func(*netlink.AttributeDecoder)) {
	ad, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return
	}
	for ad.Next() {
		visit(ad)
	}
}
