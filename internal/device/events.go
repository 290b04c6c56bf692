package device

import (
	"tandem/internal/etrunk"
	"tandem/internal/event"
)

// trunkEvent converts an event of an E-Trunk into one for the log.
func trunkEvent(id uint32, ev etrunk.Event) event.Event {
	switch ev.Kind {
	case etrunk.DeviceRoleChanged:
		return event.ETrunkStatusChange.With(id, ev.Role, ev.Reason)
	case etrunk.MemberRoleChanged:
		return event.ETrunkMemberStatusChange.With(id, "Eth-Trunk", ev.Member, ev.MemberRole, ev.MemberReason)
	case etrunk.ConfigDiffers, etrunk.ConfigAgrees, etrunk.KeyMissing, etrunk.KeyPresent:
		return event.ETrunkConfig.With(id, ev)
	}
	return event.ETrunkPeer.With(id, ev)
}
