package pim

import (
	"fmt"
	"net/netip"
	"time"
)

// Protocol is the number of PIM in an IPv6 header (section 4.9).
const Protocol = 103

// AllRouters is the destination of all messages of this package: ALL-PIM-ROUTERS (section
// 4.9).
var AllRouters = netip.MustParseAddr("ff02::d")

// Type is the type number of a PIM message (section 4.9).
type Type uint8

// The messages that Parse decodes.
const (
	TypeHello        Type = 0
	TypeRegister     Type = 1
	TypeRegisterStop Type = 2
	TypeJoinPrune    Type = 3
	TypeBootstrap    Type = 4
	TypeAssert       Type = 5
)

// String returns the name of the message as displays write it.
func (t Type) String() string {
	switch t {
	case TypeHello:
		return "Hello"
	case TypeRegister:
		return "Register"
	case TypeRegisterStop:
		return "Register-Stop"
	case TypeJoinPrune:
		return "Join/Prune"
	case TypeBootstrap:
		return "Bootstrap"
	case TypeAssert:
		return "Assert"
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

// Message is one of *Hello, *Register, *RegisterStop, *JoinPrune, *Bootstrap and *Assert.
type Message interface {
	// Type returns the type number of the message.
	Type() Type
	// append appends the part after the PIM header.
	append(dst []byte) []byte
}

// Forever is the hold time 0xffff: the neighbor, the join or the RP never expires.
const Forever = 0xffff * time.Second

// Hello announces a router to the other routers of a link (section 4.9.2).
type Hello struct {
	// HoldTime is how long the receivers keep the sender without a hello: whole seconds,
	// Forever, or 0 when the sender goes. HasHoldTime is false if the option is missing.
	HoldTime    time.Duration
	HasHoldTime bool
	// PruneDelay is nil if the option is missing.
	PruneDelay *PruneDelay
	// DRPriority is valid if HasDRPriority. The higher value wins.
	DRPriority    uint32
	HasDRPriority bool
	// GenerationID is a random number that the sender draws at each start, valid if
	// HasGenerationID.
	GenerationID    uint32
	HasGenerationID bool
	// Addresses lists the other addresses of the sender on the link.
	Addresses []netip.Addr
}

// PruneDelay is the option LAN Prune Delay (section 4.3.3).
type PruneDelay struct {
	// Tracking is the T bit: the sender does not need the suppression of joins.
	Tracking bool
	// Propagation is how long a message may take on the link, whole ms up to 32767.
	Propagation time.Duration
	// Override is the longest random time before a router overrides a prune, whole ms up to 65535.
	Override time.Duration
}

// Register carries a packet of a source to the RP (section 4.9.3).
type Register struct {
	Border, Null bool
	// Packet is the IPv6 packet of the source.
	Packet []byte
}

// RegisterStop ends the Registers of a source (section 4.9.4).
type RegisterStop struct {
	Group  GroupRange
	Source netip.Addr
}

// JoinPrune joins and leaves trees at one neighbor (section 4.9.5).
type JoinPrune struct {
	// Upstream is the address of the neighbor that has to act on the message. All routers
	// of the link read it.
	Upstream netip.Addr
	// HoldTime is how long the joins last: whole seconds, or Forever.
	HoldTime time.Duration
	Groups   []GroupRecord
}

// GroupRecord is the part of a JoinPrune about one group.
type GroupRecord struct {
	Group         GroupRange
	Joins, Prunes []Source
}

// GroupRange is an encoded group address (section 4.9.1).
type GroupRange struct {
	netip.Prefix
	// Bidir is the B bit: the range is for bidirectional PIM. Zone is the Z bit: the range is an
	// admin scope zone (RFC 5059).
	Bidir, Zone bool
}

// group returns the range of one group.
func group(addr netip.Addr) GroupRange {
	return GroupRange{Prefix: netip.PrefixFrom(addr, addr.BitLen())}
}

// Source is an encoded source address (section 4.9.1).
type Source struct {
	netip.Prefix
	// Sparse is the S bit, which is always set in PIM-SM.
	Sparse bool
	// Wildcard is the WC bit: the entry is for (*,G), and the address is that of the RP.
	Wildcard bool
	// RPT is the R bit: the entry is for the shared tree.
	RPT bool
}

// Bootstrap carries the set of RPs from the bootstrap router to all routers (RFC 5059,
// section 4.1).
type Bootstrap struct {
	// NoForward is the N bit: the message is for one neighbor and is not forwarded.
	NoForward   bool
	FragmentTag uint16
	// HashMaskLen is the length of the hash mask in bits.
	HashMaskLen uint8
	// Priority is the priority of the bootstrap router. The higher value wins.
	Priority uint8
	BSR      netip.Addr
	Ranges   []RPRange
}

// RPRange holds the RPs of one range of groups.
type RPRange struct {
	Group GroupRange
	// Count is the number of RPs of the range in all fragments together, 0 if the range
	// has no RP any more.
	Count uint8
	RPs   []RPEntry // the RPs in this fragment
}

// RPEntry is one RP of a range.
type RPEntry struct {
	RP netip.Addr
	// HoldTime is how long the RP is valid, whole seconds.
	HoldTime time.Duration
	// Priority is the priority of the RP. The lower value wins.
	Priority uint8
}

// Assert decides which router forwards a stream on a link (section 4.9.6).
type Assert struct {
	Group GroupRange
	// Source is :: in an assert for (*,G).
	Source netip.Addr
	Metric Metric
}

// Metric is the part of an Assert that is compared (section 4.6.3).
type Metric struct {
	// RPT is the R bit: the sender forwards from the shared tree.
	RPT bool
	// Preference is the preference of the unicast routing protocol, 31 bits. Cost is the
	// metric of the route. Lower values win.
	Preference, Cost uint32
}

// infinite is the metric of an AssertCancel and of a router that does not forward.
var infinite = Metric{RPT: true, Preference: 0x7fffffff, Cost: 0xffffffff}

// Type implements Message.
func (*Hello) Type() Type { return TypeHello }

// Type implements Message.
func (*Register) Type() Type { return TypeRegister }

// Type implements Message.
func (*RegisterStop) Type() Type { return TypeRegisterStop }

// Type implements Message.
func (*JoinPrune) Type() Type { return TypeJoinPrune }

// Type implements Message.
func (*Bootstrap) Type() Type { return TypeBootstrap }

// Type implements Message.
func (*Assert) Type() Type { return TypeAssert }
