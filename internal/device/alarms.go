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
	for _, t := range d.order.trunks {
		d.trunkConditions(t, hold)
	}
	if u := d.upstream; u != nil && !u.link.Up {
		hold(event.UpstreamDown, u.name, "")
	}
	for _, s := range d.order.services {
		if s.cfg.Enabled && s.core.TCP() != rbs.Connected && s.core.LastError() != "" {
			hold(event.ChannelDown, "ServiceName="+s.name, s.core.LastError())
		}
		if s.core.Diverged() {
			hold(event.Diverged, "ServiceName="+s.name, "")
		}
	}
	if limit := d.settings.RecordLimit; limit > 0 {
		records := 0
		for _, ifc := range d.order.downstreams {
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
	for _, differs := range t.state.Differences {
		hold(event.ConfigDiffers, name+", Setting="+differs.Setting, differs.String())
	}
	for _, ms := range t.state.Members {
		m := t.members[ms.ID]
		if m == nil || m.leg.Shutdown || ms.Role != etrunk.MemberMaster {
			continue // nobody expects it to serve
		}
		member := fmt.Sprintf("%s, MemberId=%d", name, ms.ID)
		switch {
		case !d.links[m.leg.Netdev].Up:
			hold(event.LegDown, member, m.leg.Netdev)
		case m.lacking != "":
			hold(event.NotReady, member, m.lacking)
		}
	}
}
