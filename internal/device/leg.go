package device

import (
	"slices"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

const (
	// bootHold is how long a leg that was found down at boot waits for the first
	// synchronisation. After that it is taken up anyway: without a peer, waiting only
	// makes it serve late.
	bootHold = 5 * time.Second
	// partLimit is how long a member that is forced to be Backup waits until the peer has
	// taken over. LACP takes a few seconds.
	partLimit = 5 * time.Second
	// strandAfter is how long a member without upstream waits for the replication channel
	// to come back. After that it takes its leg out, so that the switch sends the hosts'
	// reports to the peer.
	strandAfter = 2 * time.Second
)

// steerLeg requests the state of a leg: up on a Master member, out of the switch's
// aggregate on a Backup. An auto member whose leg speaks LACP goes out of the aggregate
// by LACP (Aside), because it can come back much faster that way. Any other leg goes
// down. A forced Backup goes down, too: it does not come back by itself, and a switch
// that has lost the Master's leg would stay with a leg that is only Aside. A leg found
// down at boot is taken up when this device has the listeners, so that the switch sends
// no report to a device that would lose it.
func (du *duties) steerLeg(now instant.Time, m *member, ms etrunk.MemberState) {
	want := !m.leg.Shutdown && ms.Role == etrunk.MemberMaster && !m.Stranded
	switch {
	case !du.links[m.leg.Netdev].Exists:
		m.Asked = nil
		return
	case du.kept.Retiring:
		want = !m.leg.Shutdown && !m.handedOver(ms)
	case !m.leg.Shutdown && ms.Reason == etrunk.ReasonETrunkInit:
		return // wait for the election
	case want && m.Asked == nil && !du.services.synchronised(m.id) && now < du.kept.Started.Add(bootHold):
		du.agenda.add(stageDuty, du.kept.Started.Add(bootHold))
		return
	}
	ask := LegChange{Netdev: m.leg.Netdev, Up: want}
	switch backup := !m.leg.Shutdown && !du.kept.Retiring && ms.Role == etrunk.MemberBackup; {
	case !backup:
		m.ServedAt = instant.Never
	case !du.mayPart(now, m, ms):
		return // the leg stays as it is
	case ms.Mode == etrunk.Auto && du.hasLever(m):
		ask.Up, ask.Aside = true, true
	}
	if m.Asked != nil && *m.Asked == ask {
		return
	}
	m.Asked = &ask
	// The request is made even if the link seems to have this state already: an earlier
	// request may still be under way.
	du.fx.Legs = append(du.fx.Legs, ask)
}

// strands decides whether the leg of a member is taken out of service while the peer
// serves: this device has no upstream and no channel to report its listeners to the peer,
// or the member is not replicated. Without this leg, the switch sends the hosts' reports
// to the peer.
func (du *duties) strands(now instant.Time, m *member, ms etrunk.MemberState) {
	switch {
	case !du.hearsInVain(m, ms), !servesAlone(ms):
		m.StrandAt = instant.Never
	case !m.StrandAt.IsSet():
		m.StrandAt = now.Add(strandAfter)
	}
	m.Stranded = m.StrandAt.IsSet() && !du.before(now, m.StrandAt)
}

// hearsInVain reports whether the reports that arrive on a member serve no listener: they
// lead to no stream here, and the peer does not get them.
func (du *duties) hearsInVain(m *member, ms etrunk.MemberState) bool {
	return du.unreplicated(m, ms) != "" || !du.upstream.isUp() && du.services.unheard(m.id)
}

// servesAlone reports whether the peer's member is ready and sends everything.
func servesAlone(ms etrunk.MemberState) bool {
	return ms.PeerKnown && ms.Peer.Ready && ms.Peer.Up && ms.Peer.Role == etrunk.MemberMaster && ms.Peer.Covers == etrunk.AllBuckets
}

// mayPart reports whether the leg of a Backup can leave the switch's aggregate. It can if
// the successor, if there is one, has served for long enough, and no listener would be
// lost. Otherwise the aggregate could lose its last port: then the switch keeps the port
// that went Aside, and the peer's port never gets in.
func (du *duties) mayPart(now instant.Time, m *member, ms etrunk.MemberState) bool {
	switch {
	case m.Asked != nil && (m.Asked.Aside || !m.Asked.Up): // the leg has left the aggregate
		return true
	case !du.hasSuccessor(now, m, ms):
		return true
	case du.knowsAlone(m):
		du.agenda.add(stageDuty, now.Add(joinSettle)) // check again at that time
		m.ServedAt = instant.Never
		return false
	case m.Covers != etrunk.NoBuckets || ms.Peer.Role != etrunk.MemberMaster || !ms.Peer.Up || !ms.Peer.Ready:
		m.ServedAt = instant.Never
		return false
	case !m.ServedAt.IsSet():
		m.ServedAt = now.Add(joinSettle)
	}
	return !du.before(now, m.ServedAt)
}

// knowsAlone reports whether the peer has not acknowledged some listeners of a member.
// This can last if the devices reach each other by a heartbeat path only, because the
// primary path is broken.
func (du *duties) knowsAlone(m *member) bool {
	return len(du.trunks.get(m.id.ETrunk).cfg.Heartbeats) > 0 &&
		slices.ContainsFunc(du.downstreams.list, func(ifc *downstream) bool { return len(ifc.awaited.list) > 0 && ifc.member == m })
}

// hasSuccessor reports whether the peer's member will be Master in place of this Backup.
// A forced Backup waits for it until PartBy.
func (du *duties) hasSuccessor(now instant.Time, m *member, ms etrunk.MemberState) bool {
	switch {
	case ms.Role == etrunk.MemberMaster || !ms.PeerKnown || ms.PeerMode == etrunk.ForceBackup:
		m.PartBy = instant.Never
		return false
	case ms.Mode == etrunk.Auto:
		return true
	case !m.PartBy.IsSet():
		m.PartBy = now.Add(partLimit)
	}
	return du.before(now, m.PartBy)
}

// hasLever reports whether LACP can make the switch leave the leg out of its aggregate.
func (du *duties) hasLever(m *member) bool { return m.leg.LACP && du.links[m.leg.Netdev].LACP }
