package device

import (
	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/instant"
)

// duties decides what this device does for each member.
type duties struct {
	*ground
	trunks      *trunks
	services    *replication
	downstreams *downstreams
	upstream    upstream
}

// refresh recomputes, for every member, readiness, duty, gate, leg and
// announcement. It is the only place that decides who sends.
func (du *duties) refresh(now instant.Time) {
	for _, t := range du.trunks.list {
		t.state = t.core.State(now)
		for _, ms := range t.state.Members {
			if m := t.members[ms.ID]; m != nil {
				du.refreshMember(now, t, m, ms)
			}
		}
	}
	du.note(now)
	du.agenda.add(stageRecords, now)
}

func (du *duties) refreshMember(now instant.Time, t *trunk, m *member, ms etrunk.MemberState) {
	link := du.links[m.leg.Netdev]
	// If most streams do not come in at the peer, this device treats the peer as not
	// ready, even before the peer has noticed it.
	ms.Peer.Ready = ms.Peer.Ready && !du.services.peerLacksStreams(m.id)
	local := etrunk.Announcement{Up: link.Up, Role: ms.Role, Covers: m.Covers, Key: link.Key}
	du.strands(now, m, ms)
	du.noteHearing(now, m, ms)
	local.Ready, local.Mute = du.ready(now, t, m, ms, local.Up), du.mute(m) != ""
	local.Lack = m.Lack

	target := etrunk.Target(local, ms.Peer, ms.PeerKnown, t.state.Preferred)
	before, covers := m.Covers, etrunk.Cover(m.Covers, target, local, ms.Peer, ms.PeerKnown, du.hasSuccessor(now, m, ms))
	if covers != before {
		m.Covers = covers
		du.agenda.add(stageGate, now)
		du.agenda.add(stageExceptions, now)
	}
	local.Covers = covers

	old := m.Duty
	m.Duty = Duty{Kind: dutyKind(target), Covers: covers, Reason: m.reason(local, ms)}
	m.Duty.Querier = m.queries(local.Mute, t.state.Preferred, ms)
	if covers != before {
		du.fx.Handovers = append(du.fx.Handovers, Handover{Member: m.id, From: before, To: covers, Reason: m.Duty.Reason, LastHeard: t.lostSince(ms)})
	}
	if m.Duty.Kind != old.Kind {
		du.tell(event.DutyChange.With(m.id.ETrunk, m.id.EthTrunk, m.Duty.Kind, m.Duty.Reason))
	}

	du.steerLeg(now, m, ms)
	t.core.Announce(now, ms.ID, local)
}

// lostSince returns when the last sign of life of a lost peer came, Never if the peer is
// not lost.
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

// reason explains a duty in words for the operator.
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

// queries reports whether this device has the querier's duty on a member. A device that
// cannot send queries leaves the duty to the peer.
func (m *member) queries(mute, preferred bool, ms etrunk.MemberState) bool {
	switch {
	case mute:
		return false
	case ms.PeerKnown && ms.Peer.Mute:
		return ms.Role == etrunk.MemberMaster
	}
	return m.Duty.Kind == DutySole || m.Duty.Kind == DutyShared && preferred
}

// noteHearing records that hosts may move from the peer's leg to this device's leg, when
// this device has not been told of all of them. The announcement stage then queries them.
func (du *duties) noteHearing(now instant.Time, m *member, ms etrunk.MemberState) {
	up := ms.PeerKnown && ms.Peer.Up
	if m.Unheard && !up {
		du.kept.Strangers = true
		du.agenda.add(stageAnnounce, now)
	}
	m.Unheard = up && du.services.unheard(m.id)
}
