package device

import (
	"net/netip"

	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// Effects is what a device asks of the world, in the order in which it must be
// done: routes and the gate first, so that what a hello announces is true by
// the time it is sent.
type Effects struct {
	Routes []RouteChange
	Gate   *Gate // the whole gate, nil when it has not changed
	// Look names streams that are to be looked at now, which [StreamsSeen] answers, Missed those of which the
	// peer had packets that did not come here.
	Look, Missed []SourceGroup
	// Handovers say why the gate has changed.
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

// RouteChange sets or deletes the forwarding entry of one (S,G). The stream is taken from
// the interface Incoming alone. Interfaces are Linux names. An entry without outgoing interfaces discards the stream.
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

// Gate is the permission to send, by outgoing Linux interface. An interface in
// none of the lists is open.
type Gate struct {
	Closed  []string
	Bucket0 []string // sends bucket 0 only
	Bucket1 []string // sends bucket 1 only
	// Exceptions pass whatever the lists say: this device sends them in the peer's stead.
	Exceptions []SourceGroup
}

// Handover is a change of what the gate lets pass on a member.
type Handover struct {
	Member
	From, To etrunk.Buckets
	Reason   string
	// LastHeard is when the peer was last heard, where it is lost, else Never. Until
	// then at least it has sent its share.
	LastHeard instant.Time
}

// LegChange steers a leg: it takes it administratively up or down. Aside means
// up, but as another LACP system than the peer's leg, so that the switch takes
// it out of the aggregate of the two.
type LegChange struct {
	Netdev string
	Up     bool
	Aside  bool
}

// SendMLD is an MLD message to send with the interface's link-local source and
// hop limit 1; the checksum is left to the kernel.
type SendMLD struct {
	Netdev      string
	Destination netip.Addr
	Payload     []byte
	RouterAlert bool
}

// SendHello is an E-Trunk packet to send; [HelloNotSent] reports that it was refused.
type SendHello struct {
	ETrunk uint32
	etrunk.Path
	Packet []byte
}

// ChannelEffects is what a replication service asks of its connection.
type ChannelEffects struct {
	Service string
	rbs.Effects
}
