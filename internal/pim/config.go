package pim

import (
	"net/netip"
	"time"
)

// Config holds the settings of a Router (section 4.11).
type Config struct {
	// JoinInterval is the time between two joins of a tree (t_periodic), whole seconds.
	// JoinHoldTime is how long a join lasts at the neighbor, whole seconds.
	JoinInterval, JoinHoldTime time.Duration
	// SSM lists the groups of source-specific multicast. They have no shared tree.
	SSM []netip.Prefix
	// StaticRPs lists the configured RPs. EmbeddedRP makes the router use the RP in the
	// address of groups that contain one (RFC 3956).
	StaticRPs  []StaticRP
	EmbeddedRP bool
	// StayShared lists the groups whose streams stay on the shared tree. In all other groups
	// the router joins the tree of a source at its first packet.
	StayShared []netip.Prefix
	// Keepalive is how long the tree of a source is joined after its last packet
	// (Keepalive_Period).
	Keepalive time.Duration
	// MaxSources bounds the trees of sources that packets and messages cause. Trees that
	// Want names are not counted.
	MaxSources int
}

// StaticRP is a configured RP.
type StaticRP struct {
	RP netip.Addr
	// Groups lists the groups of the RP; an empty list means all multicast groups.
	Groups []netip.Prefix
	// Preferred makes the router use this RP even if the bootstrap router names another
	// one.
	Preferred bool
}

// DefaultConfig returns the defaults of section 4.11, with the SSM range of RFC 4607.
func DefaultConfig() Config {
	return Config{
		JoinInterval: 60 * time.Second,
		JoinHoldTime: 210 * time.Second,
		SSM:          ssmDefault(),
		EmbeddedRP:   true,
		Keepalive:    210 * time.Second,
		MaxSources:   1 << 16,
	}
}

// ssmDefault is ff3x::/32 (RFC 4607, section 1).
func ssmDefault() (list []netip.Prefix) {
	for scope := range byte(16) {
		list = append(list, netip.PrefixFrom(netip.AddrFrom16([16]byte{0xff, 0x30 | scope}), 32))
	}
	return list
}

// InterfaceConfig holds the settings of one interface.
type InterfaceConfig struct {
	// DRPriority is the priority in the election of the designated router. The higher
	// value wins.
	DRPriority uint32
	// HelloInterval is the time between two hellos (Hello_Period). HoldTime is how long
	// the neighbors keep this router without a hello, whole seconds.
	HelloInterval, HoldTime time.Duration
	// TriggeredHello bounds the random delay of a hello that a new neighbor or the start
	// causes (Triggered_Hello_Delay).
	TriggeredHello time.Duration
	// PropagationDelay and OverrideInterval are sent in LAN Prune Delay (section 4.3.3),
	// whole ms.
	PropagationDelay, OverrideInterval time.Duration
	// Tracking is the T bit: this router does not need the suppression of joins.
	Tracking bool
}

// DefaultInterfaceConfig returns the defaults of section 4.11.
func DefaultInterfaceConfig() InterfaceConfig {
	return InterfaceConfig{
		DRPriority:       1,
		HelloInterval:    30 * time.Second,
		HoldTime:         105 * time.Second,
		TriggeredHello:   5 * time.Second,
		PropagationDelay: 500 * time.Millisecond,
		OverrideInterval: 2500 * time.Millisecond,
	}
}

// Link is the state of an interface in the system.
type Link struct {
	// LinkLocal is the source address of this router's messages. Others holds its other
	// addresses.
	LinkLocal netip.Addr
	Others    []netip.Addr
	// Up says that the interface can send and receive.
	Up bool
	// MTU is the largest IPv6 packet, 1280 or more.
	MTU int
}
