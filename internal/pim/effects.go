package pim

import "net/netip"

// Effects is what the caller has to do after an event. Methods append to it.
type Effects struct {
	// Packets have to be sent, in this order.
	Packets []OutPacket
	// Lookups lists the sources and RPs whose next hops the router needs from now on: the
	// caller gives them by SetRPF now and whenever they change. Forgets lists those that
	// it no longer needs.
	Lookups, Forgets []netip.Addr
	// Changed names the trees whose Incoming may have changed. A tree may occur twice.
	Changed []Key
	Events  []Event
}

// Reset empties the effects and keeps their memory for further use.
func (fx *Effects) Reset() {
	clear(fx.Packets)
	fx.Packets, fx.Changed, fx.Events = fx.Packets[:0], fx.Changed[:0], fx.Events[:0]
	fx.Lookups, fx.Forgets = fx.Lookups[:0], fx.Forgets[:0]
}

// Key names a tree. Source is the zero Addr for the shared tree (*,G).
type Key struct {
	Source, Group netip.Addr
}

// OutPacket is a message to send with hop limit 1. Its checksum is set.
type OutPacket struct {
	Interface string
	Src, Dst  netip.Addr
	Payload   []byte
}

// EventKind is the kind of an event.
type EventKind uint8

// Kinds of events.
const (
	NeighborUp        EventKind = iota
	NeighborDown                // the neighbor's hold time is over, it has said good-bye, or its session is down
	NeighborRestarted           // the neighbor has a new generation ID
)

// Event is an event for the log.
type Event struct {
	Kind      EventKind
	Interface string
	Neighbor  netip.Addr
}
