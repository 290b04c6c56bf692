package bfd

import (
	"net/netip"

	"tandem/internal/instant"
)

// Meta is what is known of a received packet beside its octets.
type Meta struct {
	Src, Dst netip.Addr
	Ifindex  int          // the interface it came in by
	HopLimit int          // as received
	VRF      string       // the VRF it came in, empty for none
	Multihop bool         // it came to MultihopPort
	Received instant.Time // when the kernel had it
}

// Send is a packet to be sent. The local discriminator tells the session, for
// which the sender keeps one UDP source port (RFC 5881, section 4).
type Send struct {
	Discriminator uint32
	Src, Dst      netip.Addr // Src is invalid where the kernel is to choose it
	Ifindex       int        // the interface to leave by; zero for a multihop session
	VRFIndex      int        // of the VRF to send in, zero for none
	Multihop      bool       // to MultihopPort, else to SingleHopPort with hop limit 255
	TOSExp        uint8      // 0..7, the upper three bits of the traffic class
	Packet        Packet
}

// Event is a change of state. That a session that was lost is Up again is told only
// after its Config.WaitToRestore, and not at all when it is lost again before.
type Event struct {
	Session string
	State   State
	// Remote is the peer's state as last heard. A session that is Down because the
	// peer is AdminDown says nothing of the path (RFC 5882, section 3.2).
	Remote     State
	Diagnostic Diagnostic // why, when State is Down or AdminDown
	At         instant.Time
	Heard      instant.Time // when the peer's last packet came
}

// Effects collects what is to be done after calls into a session or a Table.
type Effects struct {
	Sends  []Send
	Events []Event
}

// Reset empties fx and keeps its memory.
func (fx *Effects) Reset() { fx.Sends, fx.Events = fx.Sends[:0], fx.Events[:0] }
