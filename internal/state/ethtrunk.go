package state

import "time"

// EthTrunk is the Linux side of an Eth-Trunk at one moment.
type EthTrunk struct {
	Name    string // as configured, in canonical form
	Netdev  string
	Exists  bool
	Up      bool // administratively up and with carrier
	AdminUp bool
	// Owned: the daemon made the interface; else it was found and adopted.
	Owned bool
	// Driver is what the kernel calls it: bond, veth and so on.
	Driver string
	// Mode is the bond's mode in the kernel's words, empty when it is no bond.
	Mode string
	MAC  string
	// Leg is what the E-Trunk has made of it: empty when it is no member.
	Leg Leg

	// The rest is for a bond that speaks LACP.
	LACP           bool
	Fast           bool // the partner is asked for a LACPDU a second
	SystemPriority uint16
	SystemID       [6]byte
	Key            uint16
	Aggregator     uint16
	PartnerSystem  string // empty while there is none
	PartnerKey     uint16

	Monitor time.Duration // how often the ports are looked at
	Ports   []Port
}

// Leg says where a member's leg is, as seen from the switch.
type Leg string

// Where a leg is.
const (
	LegNotSteered Leg = ""
	LegDown       Leg = "down"
	LegJoined     Leg = "joined" // in the aggregate with the peer's leg
	LegAside      Leg = "aside"  // up, and out of that aggregate by LACP
)

// Port is a port of a bond.
type Port struct {
	Name, Netdev string
	Exists       bool
	// Joined says that it is a port of the bond, Up that the bond sees its
	// carrier, Active that it carries traffic.
	Joined, Up, Active bool
	Failures           uint32
	Aggregator         uint16
	Actor, Partner     string // LACP port states, the lowest bit first
}
