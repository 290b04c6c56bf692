package device

import (
	"slices"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

const (
	// bootHold is how long a leg that was found down waits for the first
	// synchronisation before it is raised regardless: with no peer at all,
	// serving late is the only harm.
	bootHold = 5 * time.Second
	// partLimit is how long a member that is forced to be Backup waits for the peer to
	// have taken over. LACP takes a few seconds.
	partLimit = 5 * time.Second
	// strandAfter is how long a member without upstream waits for the channel to come back
	// before it sends the hosts to the peer.
	strandAfter = 2 * time.Second
)

// steerLeg asks for the leg to be up on a Master member and out of the switch's
// aggregate on a Backup: by LACP in `auto` where the leg speaks it, for then it is back
// much sooner, else down. A forced Backup does not come back by itself, and a switch that
// has lost the Master's leg would stay with one that stands aside. A leg found down at
// boot is raised when the listeners are known, so that the switch sends no report to a
// device that would lose it.
func (du *duties) steerLeg(now instant.Time, m *member, ms etrunk.MemberState) {
	want := !m.leg.Shutdown && ms.Role == etrunk.MemberMaster && !m.Stranded
	switch {
	case !du.links[m.leg.Netdev].Exists:
		m.Asked = nil
		return
	case du.kept.Retiring:
		want = !m.leg.Shutdown && !m.handedOver(ms)
	case !m.leg.Shutdown && ms.Reason == etrunk.ReasonETrunkInit:
		return // the election will tell
	case want && m.Asked == nil && !du.services.synchronised(m.id) && now < du.kept.Started.Add(bootHold):
		du.agenda.add(stageDuty, du.kept.Started.Add(bootHold))
		return
	}
	ask := LegChange{Netdev: m.leg.Netdev, Up: want}
	switch backup := !m.leg.Shutdown && !du.kept.Retiring && ms.Role == etrunk.MemberBackup; {
	case !backup:
		m.ServedAt = instant.Never
	case !du.mayPart(now, m, ms):
		return // it stays as it is
	case ms.Mode == etrunk.Auto && du.hasLever(m):
		ask.Up, ask.Aside = true, true
	}
	if m.Asked != nil && *m.Asked == ask {
		return
	}
	m.Asked = &ask
	// Asked for even where it seems so already: what was asked a moment ago may
	// not have been heard of yet.
	du.fx.Legs = append(du.fx.Legs, ask)
}

// strands notes whether what a member hears is of no use to anybody: it has no upstream, and the peer,
// which serves, cannot be told; or it replicates nothing. Without the leg the switch has the hosts talk to the peer.
func (du *duties) strands(now instant.Time, m *member, ms etrunk.MemberState) {
	switch {
	case !du.hearsInVain(m, ms), !servesAlone(ms):
		m.StrandAt = instant.Never
	case !m.StrandAt.IsSet():
		m.StrandAt = now.Add(strandAfter)
	}
	m.Stranded = m.StrandAt.IsSet() && !du.before(now, m.StrandAt)
}

// hearsInVain reports whether nobody is served for what a member hears, while the peer serves.
func (du *duties) hearsInVain(m *member, ms etrunk.MemberState) bool {
	return du.unreplicated(m, ms) != "" || !du.upstream.isUp() && du.services.unheard(m.id)
}

// servesAlone reports whether the peer's member sends everything.
func servesAlone(ms etrunk.MemberState) bool {
	return ms.PeerKnown && ms.Peer.Ready && ms.Peer.Up && ms.Peer.Role == etrunk.MemberMaster && ms.Peer.Covers == etrunk.AllBuckets
}

// mayPart reports whether the switch can do without the leg of a Backup: its successor, if
// it has one, has served for long enough, and no listener would be lost. A switch whose aggregate loses its last port
// stays with the port that has gone aside, and the peer's never comes in.
func (du *duties) mayPart(now instant.Time, m *member, ms etrunk.MemberState) bool {
	switch {
	case m.Asked != nil && (m.Asked.Aside || !m.Asked.Up): // it has parted
		return true
	case !du.hasSuccessor(now, m, ms):
		return true
	case du.knowsAlone(m):
		du.agenda.add(stageDuty, now.Add(joinSettle)) // to look again
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

// knowsAlone reports whether this device has heard listeners of which the peer does not know. That
// can last where the devices hear each other on a heartbeat path and the primary one is broken.
func (du *duties) knowsAlone(m *member) bool {
	return len(du.trunks.get(m.id.ETrunk).cfg.Heartbeats) > 0 &&
		slices.ContainsFunc(du.downstreams.list, func(ifc *downstream) bool { return len(ifc.awaited.list) > 0 && ifc.member == m })
}

// hasSuccessor tells that the peer's member is to be Master in a Backup's place. A forced
// Backup waits for it until partBy.
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

// hasLever tells that the switch can be made to leave the leg out by LACP.
func (du *duties) hasLever(m *member) bool { return m.leg.LACP && du.links[m.leg.Netdev].LACP }
