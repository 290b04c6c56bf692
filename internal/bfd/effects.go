package bfd

import (
	"net/netip"
	"time"

	"tandem/internal/instant"
)

// Meta is what Receive needs to know of a received packet besides its payload.
type Meta struct {
	Src, Dst netip.Addr
	Ifindex  int           // the interface that received it
	HopLimit int           // the hop limit of the received packet
	VRF      string        // the VRF that received it, empty for none
	Multihop bool          // the packet's destination port was MultihopPort
	Received instant.Time  // when the kernel received it
	Waited   time.Duration // how long the packet has waited in this device since it was received; zero if unknown
}

// Send is a packet for the caller to send. The local discriminator identifies the
// session. The caller keeps one UDP source port for each session (RFC 5881, section 4).
type Send struct {
	Discriminator uint32
	Src, Dst      netip.Addr // an invalid Src means that the kernel chooses the source
	Ifindex       int        // the interface to send on; zero for a multihop session
	VRFIndex      int        // index of the VRF to send in, zero for none
	Multihop      bool       // send to MultihopPort; otherwise to SingleHopPort with hop limit 255
	TOSExp        uint8      // 0..7, the upper three bits of the traffic class
	Packet        Packet
}

// Event is a change of state. After a failure, the event Up comes only when the session
// has been Up for Config.WaitToRestore. If the session fails again before that, the event
// does not come.
type Event struct {
	Session string
	State   State
	// Remote is the last state that the peer has sent. If the session is Down because the peer
	// is AdminDown, the path need not have failed (RFC 5882, section 3.2).
	Remote     State
	Diagnostic Diagnostic // why the session is Down or AdminDown
	At         instant.Time
	Heard      instant.Time // when the peer's last packet came
	// Slow says how far the session has slowed down. While the session is Up, a change of
	// Slow alone causes an event as well.
	Slow Slowdown
}

// Effects collects what the caller has to do after calls to a session or a Table.
type Effects struct {
	Sends  []Send
	Events []Event
}

// Reset empties fx and keeps its memory for further use.
func (fx *Effects) Reset() { fx.Sends, fx.Events = fx.Sends[:0], fx.Events[:0] }
