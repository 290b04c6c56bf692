package etrunk

import "fmt"

// Effects is what the caller of a Trunk has to do. Calls append to it.
type Effects struct {
	// Packets are hellos, in order; each is to be sent on every path of Config.Paths.
	Packets [][]byte
	// Changed says that something in State has changed besides counters.
	Changed bool
	Events  []Event
}

// Reset empties the effects and keeps their memory for further use.
func (fx *Effects) Reset() {
	clear(fx.Packets)
	fx.Packets, fx.Changed, fx.Events = fx.Packets[:0], false, fx.Events[:0]
}

// EventKind is the kind of an event. The comment of each kind lists the fields that it
// sets.
type EventKind uint8

// Kinds of events.
const (
	DeviceRoleChanged EventKind = iota // sets Role, Reason
	MemberRoleChanged                  // sets Member, MemberRole, MemberReason
	PeerFound
	PeerLost      // sets Reason
	PeerRestarted // the peer is alive, and has restarted
	KeyMissing    // alarm: there is no security key, so no hello is sent or accepted
	KeyPresent    // the alarm ends
	ConfigDiffers // alarm: settings differ between the two devices; sets Detail
	ConfigAgrees  // the alarm ends
)

// Event is something for the log. EventKind says which fields are set.
type Event struct {
	Kind         EventKind
	Role         DeviceRole
	Reason       DeviceReason
	Member       uint32
	MemberRole   MemberRole
	MemberReason MemberReason
	Detail       string
}

func (e Event) String() string {
	switch e.Kind {
	case DeviceRoleChanged:
		return fmt.Sprintf("device role %v (%v)", e.Role, e.Reason)
	case MemberRoleChanged:
		return fmt.Sprintf("member %d role %v (%v)", e.Member, e.MemberRole, e.MemberReason)
	case PeerFound:
		return "peer found"
	case PeerLost:
		return fmt.Sprintf("peer lost (%v)", e.Reason)
	case PeerRestarted:
		return "peer restarted"
	case KeyMissing:
		return "no security key: no hello is sent or accepted"
	case KeyPresent:
		return "security key present"
	case ConfigDiffers:
		return "settings differ from the peer's: " + e.Detail
	case ConfigAgrees:
		return "settings agree with the peer's"
	}
	return fmt.Sprintf("event %d", e.Kind)
}
