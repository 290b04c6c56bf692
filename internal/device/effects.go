package device

import (
	"net/netip"

	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// Effects is what the caller has to do, in this order. Routes and the gate come first, so
// that what a hello announces is true when it is sent.
type Effects struct {
	Routes []RouteChange
	Gate   *Gate // the whole gate, nil if it has not changed
	// Look names streams that the plane has to look at now; the caller answers with
	// [StreamsSeen]. Missed names streams of which packets have come to the peer and not
	// here.
	Look, Missed []SourceGroup
	// Handovers explain why the gate has changed, for the log.
	Handovers []Handover
	Legs      []LegChange
	MLD       []SendMLD
	Hellos    []SendHello
	Channels  []ChannelEffects
	// Events are for the log.
	Events []event.Event
}

// reset empties the effects and keeps their memory.
func (fx *Effects) reset() {
	fx.Routes = fx.Routes[:0]
	fx.Gate = nil
	fx.Look, fx.Missed = fx.Look[:0], fx.Missed[:0]
	fx.Handovers = fx.Handovers[:0]
	fx.Legs = fx.Legs[:0]
	fx.MLD = fx.MLD[:0]
	fx.Hellos = fx.Hellos[:0]
	fx.Channels = fx.Channels[:0]
	clear(fx.Events)
	fx.Events = fx.Events[:0]
}

// RouteChange sets or deletes the forwarding entry of one (S,G). The stream is accepted
// only from the interface Incoming. Interfaces are Linux names. An entry without outgoing
// interfaces discards the stream.
type RouteChange struct {
	Source, Group netip.Addr
	Delete        bool
	Incoming      string
	Outgoing      []string
}

// SourceGroup is one (S,G).
type SourceGroup struct {
	Source, Group netip.Addr
}

// Gate says which streams may leave by each outgoing Linux interface. An interface in
// none of the lists is open for all streams.
type Gate struct {
	Closed  []string
	Bucket0 []string // interfaces that send bucket 0 only
	Bucket1 []string // interfaces that send bucket 1 only
	// Exceptions pass on every interface: this device sends these streams in the peer's
	// stead.
	Exceptions []SourceGroup
}

// Handover is a change of the buckets that the gate lets pass on a member.
type Handover struct {
	Member
	From, To etrunk.Buckets
	Reason   string
	// LastHeard is when the last sign of life came from a peer that is now lost, Never if
	// the peer is not lost. Until then at least, the peer has sent its share.
	LastHeard instant.Time
}

// LegChange takes a leg administratively up or down. Aside means that the leg is up and
// uses another LACP system ID than the peer's leg, so that the switch leaves it out of
// the aggregate.
type LegChange struct {
	Netdev string
	Up     bool
	Aside  bool
}

// SendMLD is an MLD message to send with the interface's link-local address as source and
// hop limit 1. The kernel fills in the checksum.
type SendMLD struct {
	Netdev      string
	Destination netip.Addr
	Payload     []byte
	RouterAlert bool
}

// SendHello is an E-Trunk packet to send. If a socket refuses it, the caller says so with
// [HelloNotSent].
type SendHello struct {
	ETrunk uint32
	etrunk.Path
	Packet []byte
}

// ChannelEffects is what a replication service asks of the caller for its connection.
type ChannelEffects struct {
	Service string
	rbs.Effects
}
