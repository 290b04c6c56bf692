package device

import (
	"fmt"

	"tandem/internal/etrunk"
)

// trunkNotice words an E-Trunk's event as VRP's log does.
func trunkNotice(id uint32, ev etrunk.Event) Notice {
	switch ev.Kind {
	case etrunk.DeviceRoleChanged:
		return Notice{Name: "ETRUNK_STATUS_CHANGE",
			Detail: fmt.Sprintf("ETrunkId=%d, State=%s, StateReason=%s", id, ev.Role, ev.Reason)}
	case etrunk.MemberRoleChanged:
		return Notice{Name: "ETRUNK_MEMBER_STATUS_CHANGE",
			Detail: fmt.Sprintf("ETrunkId=%d, MemberType=Eth-Trunk, MemberId=%d, State=%s, StateReason=%s",
				id, ev.Member, ev.MemberRole, ev.MemberReason)}
	case etrunk.PeerLost, etrunk.KeyMissing, etrunk.ConfigDiffers:
		return Notice{Name: "ETRUNK_ALARM", Alarm: true, Detail: fmt.Sprintf("ETrunkId=%d, %s", id, ev)}
	}
	return Notice{Name: "ETRUNK_EVENT", Detail: fmt.Sprintf("ETrunkId=%d, %s", id, ev)}
}
