package links

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// ErrNoDriver means that the kernel has no driver for a kind of interface.
var ErrNoDriver = errors.New("the kernel lacks the driver")

// BondMode is the mode of a bond (BOND_MODE_* of linux/if_bonding.h).
type BondMode uint8

// Modes that this package makes. Bonds of other modes can exist.
const (
	BondXOR  BondMode = 2 // static link aggregation: every port with carrier is used
	BondLACP BondMode = 4 // LACP (IEEE 802.1AX, formerly 802.3ad): only ports that the partner has selected, too, are used
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
	// Monitor is the interval at which the carrier of the ports is checked, in whole
	// milliseconds. The kernel rounds it up to its own tick.
	Monitor time.Duration

	// The following fields are for LACP only.

	// Fast asks the partner for one LACPDU each second instead of each 30 seconds. It can be
	// changed only while the bond is down.
	Fast bool
	// ActorKey is the administrative key, 0..1023. The partner aggregates ports of one system
	// with the same key. It can be changed only while the bond is down.
	ActorKey uint16
	// ActorPriority is the system priority, 1..65535. ActorSystem is the system identifier;
	// zero stands for the bond's own address. Two bonds with equal priority, identifier and key
	// are one system for their partner.
	ActorPriority uint16
	ActorSystem   [6]byte
	// Hidden means that the kernel did not report the last three fields. It reports them only
	// to an administrator of the whole machine.
	Hidden bool
}

// xmitLayer34 is BOND_XMIT_POLICY_LAYER34: the hash uses addresses and ports.
const xmitLayer34 = 1

// AddBond makes a bond, which is down and has no ports. Without a hardware address it gets that
// of its first port. It returns ErrNoDriver if the kernel has no bonding.
func (h *Handle) AddBond(name string, b Bond, mac net.HardwareAddr) error {
	data := ifInfo{}.encode(func(add *netlink.Attributes) {
		add.String(unix.IFLA_IFNAME, name)
		if len(mac) > 0 {
			add.Bytes(unix.IFLA_ADDRESS, mac)
		}
		info(add, "bond", func(add *netlink.Attributes) {
			add.Uint8(unix.IFLA_BOND_MODE, uint8(b.Mode))
			add.Uint32(unix.IFLA_BOND_MIIMON, uint32(b.Monitor/time.Millisecond))
			add.Uint8(unix.IFLA_BOND_XMIT_HASH_POLICY, xmitLayer34)
			if b.Mode == BondLACP {
				add.Uint8(unix.IFLA_BOND_AD_LACP_RATE, flag(b.Fast))
				add.Uint16(unix.IFLA_BOND_AD_USER_PORT_KEY, b.ActorKey)
				actor(b)(add)
			}
		})
	})
	return h.create("bond "+name, "bonding", data)
}

func actor(b Bond) func(*netlink.Attributes) {
	return func(add *netlink.Attributes) {
		add.Uint16(unix.IFLA_BOND_AD_ACTOR_SYS_PRIO, max(b.ActorPriority, 1))
		add.Bytes(unix.IFLA_BOND_AD_ACTOR_SYSTEM, b.ActorSystem[:])
	}
}

// info encodes the driver's part of a link message.
func info(add *netlink.Attributes, kind string, fill func(*netlink.Attributes)) {
	add.Nest(unix.IFLA_LINKINFO, func(add *netlink.Attributes) {
		add.String(unix.IFLA_INFO_KIND, kind)
		add.Nest(unix.IFLA_INFO_DATA, fill)
	})
}

// setBond changes settings of a bond.
func (h *Handle) setBond(name, what string, fill func(*netlink.Attributes)) error {
	return h.set(name, "set "+what+" of", ifInfo{}, func(add *netlink.Attributes) { info(add, "bond", fill) })
}

// SetActor gives a bond another LACP system. The bond may be up. A partner that has aggregated
// its ports with others of the old system removes them at once.
func (h *Handle) SetActor(name string, priority uint16, system [6]byte) error {
	return h.setBond(name, "LACP system", actor(Bond{ActorPriority: priority, ActorSystem: system}))
}

// SetLACP changes the LACP settings that can be changed only while the bond is down.
func (h *Handle) SetLACP(name string, fast bool, key uint16) error {
	return h.setBond(name, "LACP timeout and key", func(add *netlink.Attributes) {
		add.Uint8(unix.IFLA_BOND_AD_LACP_RATE, flag(fast))
		add.Uint16(unix.IFLA_BOND_AD_USER_PORT_KEY, key)
	})
}

// SetMonitor changes the interval at which a bond checks the carrier of its ports.
func (h *Handle) SetMonitor(name string, every time.Duration) error {
	return h.setBond(name, "link monitor", func(add *netlink.Attributes) {
		add.Uint32(unix.IFLA_BOND_MIIMON, uint32(every/time.Millisecond))
	})
}

// SetHardwareAddr gives an interface an Ethernet address.
func (h *Handle) SetHardwareAddr(name string, mac net.HardwareAddr) error {
	return h.set(name, "set address of", ifInfo{}, func(add *netlink.Attributes) { add.Bytes(unix.IFLA_ADDRESS, mac) })
}

// Enslave makes an interface a port of a bond. The interface goes down for that and comes up as
// a port.
func (h *Handle) Enslave(bond, port string) error {
	master, err := h.index(bond)
	if err != nil {
		return err
	}
	if err := h.SetUp(port, false); err != nil {
		return err
	}
	return h.setMaster(port, "add port", master)
}

// Release removes an interface from its bond or bridge. The kernel restores the address of a
// bond's former port and leaves it down.
func (h *Handle) Release(port string) error {
	return h.setMaster(port, "release port", 0)
}

// SetTrunkUp takes an interface up or down, and the ports of a bond with it. held reports
// which ports must stay down. The ports are always changed first: a partner sees only
// their carrier, and the kernel chooses a bond's active aggregator when the bond comes
// up. A port that comes up later is used only if the bond had noticed that it went down.
func (h *Handle) SetTrunkUp(name string, up bool, held func(port string) bool) error {
	list, err := h.List()
	if err != nil {
		return err
	}
	var errs []error
	if i := slices.IndexFunc(list, func(l Link) bool { return l.Name == name && l.Bond != nil }); i >= 0 {
		for _, port := range list {
			if port.Master == list[i].Index && port.AdminUp != up && !(up && held(port.Name)) {
				errs = append(errs, h.SetUp(port.Name, up))
			}
		}
		if !up && list[i].AdminUp {
			h.awaitPortsDown(list[i])
		}
	}
	return errors.Join(append(errs, h.SetUp(name, up))...)
}

// awaitPortsDown waits until a bond with LACP has noticed that its ports are down. A bond
// that goes down before that keeps its state of the partner. When it is up again, it
// would treat the partner's ports as usable until the partner's next LACPDU.
func (h *Handle) awaitPortsDown(bond Link) {
	if bond.Bond.Mode != BondLACP {
		return
	}
	for looks := 0; looks < mostLooks; looks++ {
		s, err := h.Bond(bond.Name)
		if err != nil || !slices.ContainsFunc(s.Ports, func(p Port) bool { return p.Carrier }) {
			return
		}
		time.Sleep(max(bond.Bond.Monitor, time.Millisecond) / looksPerInterval)
	}
}

// How often awaitPortsDown looks in one interval of the bond, and in total. The bond checks
// its ports once in an interval, and may have to try again in a later one.
const (
	looksPerInterval = 4
	mostLooks        = 10 * looksPerInterval
)
