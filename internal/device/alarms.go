package device

import (
	"fmt"
	"slices"

	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/proof"
	"tandem/internal/rbs"
)

// Conditions lists the alarms that hold now. It computes them from the present state each
// time, so an alarm cannot stay when its fault is gone.
func (d *Device) Conditions() (list []event.Condition) {
	hold := func(k *event.AlarmKind, object, detail string) {
		list = append(list, event.Condition{AlarmKind: k, Object: object, Detail: detail})
	}
	for _, t := range d.trunks.list {
		t.conditions(hold)
	}
	if u := d.proxy; u.exists() && !u.link.Up {
		hold(event.UpstreamDown, u.name, "")
	}
	d.lackConditions(hold)
	for _, s := range d.services.list {
		if s.cfg.Enabled && s.core.TCP() != rbs.Connected && s.core.LastError() != "" && !d.trunks.await(s.cfg) {
			hold(event.ChannelDown, "ServiceName="+s.name, s.core.LastError())
		}
		if why := s.core.Distrusted(); why != "" {
			hold(event.PeerNotTrusted, "ServiceName="+s.name, why)
		}
		if s.inClear() {
			hold(event.ChannelInClear, "ServiceName="+s.name, "the hellos of the peer name no certificate: it is of an older release")
		}
		if s.core.Diverged() {
			hold(event.Diverged, "ServiceName="+s.name, "")
		}
		if s.lacksSome() {
			streams := d.arrivals.snapshot(s)
			hold(event.StreamsLacking, "ServiceName="+s.name, streams.lacking())
		}
	}
	d.downstreams.hostConditions(hold)
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

// await reports whether an E-Trunk of a service still waits for the first hello of its peer,
// as at each start. Until then the certificate of the peer is not known either, and nothing is
// wrong.
func (ts *trunks) await(cfg ServiceSettings) bool {
	return cfg.Pinned && slices.ContainsFunc(cfg.ETrunks, func(id uint32) bool {
		t := ts.get(id)
		return t != nil && t.state.KeySet && t.state.Role == etrunk.DeviceInit
	})
}

// conditions calls hold for each alarm of one E-Trunk.
func (t *trunk) conditions(hold func(k *event.AlarmKind, object, detail string)) {
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
			t.memberConditions(m, ms, hold)
		}
	}
}

func (t *trunk) memberConditions(m *member, ms etrunk.MemberState, hold func(k *event.AlarmKind, object, detail string)) {
	name := fmt.Sprintf("ETrunkId=%d, MemberId=%d", t.cfg.ID, ms.ID)
	expected := t.state.Expected()
	follows := (ms.Role == etrunk.MemberMaster) == (expected == etrunk.DeviceMaster)
	if ms.Mode == etrunk.Auto && t.state.Role != etrunk.DeviceInit && !follows {
		hold(event.UnexpectedState, name, unexpected(ms.Role, ms.Reason, expected))
	}
	switch {
	case m.leg.Shutdown || ms.Role != etrunk.MemberMaster: // no device expects this member to serve
	case !t.links[m.leg.Netdev].Up && !m.Stranded:
		hold(event.LegDown, name, m.leg.Netdev)
	case m.Lacking != "":
		hold(event.NotReady, name, m.Lacking)
	}
}

func unexpected(role, reason, expected fmt.Stringer) string {
	return fmt.Sprintf("%s (%s) instead of %s", role, reason, expected)
}

// lackConditions calls hold for each interface that cannot work. It leaves out a
// tentative address, which is over soon, and drops on the way out, for which the
// forwarding plane raises an alarm itself.
func (d *Device) lackConditions(hold func(k *event.AlarmKind, object, detail string)) {
	tell := func(name string, l LinkChanged) {
		if lack := l.lack(); lack != "" && l.Lacks != proof.LacksDetection && l.Lacks != proof.LacksLeaving {
			hold(event.InterfaceUnable, name, lack)
		}
	}
	if u := d.proxy; u.exists() {
		tell(u.name, u.link)
	}
	for _, ifc := range d.downstreams.list {
		tell(ifc.name, ifc.link)
	}
}
