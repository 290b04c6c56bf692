package device

import (
	"fmt"

	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/rbs"
)

// Conditions lists the alarms that hold. It is made anew from the state each time,
// so that no way out of a fault can be forgotten.
func (d *Device) Conditions() (list []event.Condition) {
	hold := func(k *event.AlarmKind, object, detail string) {
		list = append(list, event.Condition{AlarmKind: k, Object: object, Detail: detail})
	}
	for _, t := range d.trunks.list {
		d.trunkConditions(t, hold)
	}
	if u := d.proxy; u.exists() && !u.link.Up {
		hold(event.UpstreamDown, u.name, "")
	}
	d.lackConditions(hold)
	for _, s := range d.services.list {
		if s.cfg.Enabled && s.core.TCP() != rbs.Connected && s.core.LastError() != "" {
			hold(event.ChannelDown, "ServiceName="+s.name, s.core.LastError())
		}
		if s.core.Diverged() {
			hold(event.Diverged, "ServiceName="+s.name, "")
		}
	}
	d.hostConditions(hold)
	if limit := d.settings.RecordLimit; limit > 0 {
		records := 0
		for _, ifc := range d.downstreams.list {
			records += ifc.router.Hosts()
		}
		if records >= limit {
			hold(event.RecordsFull, "mld limit", fmt.Sprintf("%d of %d records", records, limit))
		}
	}
	return list
}

// trunkConditions tells those of one E-Trunk.
func (d *Device) trunkConditions(t *trunk, hold func(k *event.AlarmKind, object, detail string)) {
	name := fmt.Sprintf("ETrunkId=%d", t.cfg.ID)
	switch {
	case !t.state.KeySet:
		hold(event.KeyNotConfigured, name, "")
	case t.state.Role != etrunk.DeviceInit && !t.state.PeerAlive:
		hold(event.PeerLost, name, t.state.Reason.String())
	}
	if expected := t.state.Expected(); t.state.Role != etrunk.DeviceInit && t.state.Role != expected {
		hold(event.UnexpectedState, name, unexpected(t.state.Role, t.state.Reason, expected))
	}
	for _, path := range t.state.Paths {
		if path.Lost {
			hold(event.PathLost, name+", Path="+path.Path.String(), "")
		}
	}
	for _, differs := range t.state.Differences {
		hold(event.ConfigDiffers, name+", Setting="+differs.Setting, differs.String())
	}
	for _, ms := range t.state.Members {
		if m := t.members[ms.ID]; m != nil {
			d.memberConditions(t, m, ms, hold)
		}
	}
}

func (d *Device) memberConditions(t *trunk, m *member, ms etrunk.MemberState, hold func(k *event.AlarmKind, object, detail string)) {
	name := fmt.Sprintf("ETrunkId=%d, MemberId=%d", t.cfg.ID, ms.ID)
	expected := t.state.Expected()
	follows := (ms.Role == etrunk.MemberMaster) == (expected == etrunk.DeviceMaster)
	if ms.Mode == etrunk.Auto && t.state.Role != etrunk.DeviceInit && !follows {
		hold(event.UnexpectedState, name, unexpected(ms.Role, ms.Reason, expected))
	}
	switch {
	case m.leg.Shutdown || ms.Role != etrunk.MemberMaster: // nobody expects it to serve
	case !d.links[m.leg.Netdev].Up && !m.Stranded:
		hold(event.LegDown, name, m.leg.Netdev)
	case m.Lacking != "":
		hold(event.NotReady, name, m.Lacking)
	}
}

func unexpected(role, reason, expected fmt.Stringer) string {
	return fmt.Sprintf("%s (%s) instead of %s", role, reason, expected)
}
