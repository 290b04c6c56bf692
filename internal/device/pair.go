package device

import (
	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/instant"
)

// member is an Eth-Trunk in an E-Trunk: what it may send and why.
type member struct {
	id  Member
	leg LegSettings
	MemberKept
}

// MemberKept is what a device knows of a member.
type MemberKept struct {
	Asked *LegChange // what was last asked of the leg
	// UpAt is since when the leg has carrier, Never while it has none.
	UpAt instant.Time
	// Yielded: the operator has handed everything to the peer.
	Yielded bool
	// Withdrawn: it hands over before its configuration changes, see Withdraw.
	Withdrawn bool
	// HelpAt is when it serves regardless, as the peer cannot; Never while the peer can.
	HelpAt  instant.Time
	Fit     bool // everything is there to serve, since FitAt
	FitAt   instant.Time
	Lack    etrunk.Lack
	Lacking string // what keeps it from serving
	// Aside: the peer was serving already, and this member has not been ready since.
	Aside   bool
	Rival   Rival
	RivalAt instant.Time
	// PartBy is when a forced Backup waits for its successor no more, Never while it need not.
	PartBy instant.Time
	// ServedAt is when the peer will have been ready for long enough to leave the switch to it.
	ServedAt instant.Time
	// StrandAt is when what it hears has been of no use for long enough to be stranded, Never while it is of use.
	StrandAt instant.Time
	Stranded bool
	// Unheard: hosts may be talking to the peer of which this device is not told.
	Unheard bool
	Covers  etrunk.Buckets
	Duty    Duty
}

func newMember(id Member, leg LegSettings) *member {
	return &member{id: id, leg: leg, MemberKept: MemberKept{Covers: etrunk.AllBuckets}}
}

// refreshDuty recomputes, for every member, readiness, duty, gate, leg and
// announcement. It is the only place that decides who sends.
func (d *Device) refreshDuty(now instant.Time) {
	for _, t := range d.trunks.list {
		t.state = t.core.State(now)
		for _, ms := range t.state.Members {
			if m := t.members[ms.ID]; m != nil {
				d.refreshMember(now, t, m, ms)
			}
		}
	}
	d.agenda.add(stageRecords, now)
}

func (d *Device) refreshMember(now instant.Time, t *trunk, m *member, ms etrunk.MemberState) {
	link := d.links[m.leg.Netdev]
	local := etrunk.Announcement{Up: link.Up, Role: ms.Role, Covers: m.Covers, Key: link.Key}
	d.strands(now, m, ms)
	d.noteHearing(now, m, ms)
	local.Ready, local.Mute = d.ready(now, t, m, ms, local.Up), d.mute(m) != ""
	local.Lack = m.Lack

	target := etrunk.Target(local, ms.Peer, ms.PeerKnown, t.state.Preferred)
	before, covers := m.Covers, etrunk.Cover(m.Covers, target, local, ms.Peer, ms.PeerKnown, d.hasSuccessor(now, m, ms))
	if covers != before {
		m.Covers = covers
		d.agenda.add(stageGate, now)
		d.agenda.add(stageExceptions, now)
	}
	local.Covers = covers

	old := m.Duty
	m.Duty = Duty{Kind: dutyKind(target), Covers: covers, Reason: m.reason(local, ms)}
	m.Duty.Querier = m.queries(d.mute(m) != "", t.state.Preferred, ms)
	if covers != before {
		d.fx.Handovers = append(d.fx.Handovers, Handover{Member: m.id, From: before, To: covers, Reason: m.Duty.Reason, LastHeard: t.lostSince(ms)})
	}
	if m.Duty.Kind != old.Kind {
		d.tell(event.DutyChange.With(m.id.ETrunk, m.id.EthTrunk, m.Duty.Kind, m.Duty.Reason))
	}

	d.steerLeg(now, m, ms)
	t.core.Announce(now, ms.ID, local)
}

// lostSince is when a peer that is lost was last heard, Never while it is not lost.
func (t *trunk) lostSince(ms etrunk.MemberState) instant.Time {
	if ms.PeerKnown {
		return instant.Never
	}
	return t.Heard
}

func dutyKind(target etrunk.Buckets) DutyKind {
	switch target {
	case etrunk.AllBuckets:
		return DutySole
	case etrunk.NoBuckets:
		return DutyNone
	}
	return DutyShared
}

// reason explains a duty in the operator's words.
func (m *member) reason(local etrunk.Announcement, ms etrunk.MemberState) string {
	switch {
	case ms.Held && m.Lacking != "":
		return "left to the peer: " + m.Lacking
	case ms.Held:
		return "left to the peer until the revert delay is over"
	case local.Role == etrunk.MemberBackup:
		return "member is Backup"
	case !ms.PeerKnown:
		return "peer is lost"
	case !ms.Peer.Up:
		return "peer's Eth-Trunk is down"
	case ms.Peer.Role == etrunk.MemberBackup:
		return "peer's member is Backup"
	case !local.Ready:
		return "not ready: " + m.Lacking
	case !ms.Peer.Ready:
		return "peer is not ready"
	}
	return "both are ready"
}

// queries reports whether a member has the querier's duty: a device that cannot ask leaves it to
// the other one.
func (m *member) queries(mute, preferred bool, ms etrunk.MemberState) bool {
	switch {
	case mute:
		return false
	case ms.PeerKnown && ms.Peer.Mute:
		return ms.Role == etrunk.MemberMaster
	}
	return m.Duty.Kind == DutySole || m.Duty.Kind == DutyShared && preferred
}

// refreshQueriers gives the querier's duty to the interfaces that have it.
func (d *Device) refreshQueriers(now instant.Time) {
	for _, ifc := range d.downstreams.list {
		ifc.router.SetQuerierDuty(now, d.dutyOf(ifc).Querier)
	}
}

// dutyOf returns the duty on an interface: its member's, or everything for an
// interface that no profile shares.
func (d *Device) dutyOf(ifc *downstream) Duty {
	if m := d.memberOf(ifc); m != nil {
		return m.Duty
	}
	return Duty{Kind: DutySole, Covers: etrunk.AllBuckets, Querier: true, Reason: "not shared"}
}

// memberOf is the member that an interface follows, nil when there is none: its profile's, else the
// one whose leg it is on.
func (d *Device) memberOf(ifc *downstream) *member {
	bound := d.settings.Profiles[ifc.cfg.Profile].Member
	if t := d.trunks.get(bound.ETrunk); t != nil && t.members[bound.EthTrunk] != nil {
		return t.members[bound.EthTrunk]
	}
	for _, t := range d.trunks.list {
		for _, m := range t.members {
			if m.leg.carries(ifc.netdev) {
				return m
			}
		}
	}
	return nil
}

// serviceOf finds the service that is to replicate an interface, nil when none is.
func (d *Device) serviceOf(ifc *downstream) *service {
	p, ok := d.settings.Profiles[ifc.cfg.Profile]
	if !ok || !p.replicates() {
		return nil
	}
	return d.services.get(p.Service)
}
