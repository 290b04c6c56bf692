package device

import (
	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

// retire hands everything to the peer for good.
func (du *duties) retire(now instant.Time) {
	du.kept.Retiring = true
	for _, t := range du.trunks.list {
		for _, m := range t.members {
			m.Yielded = true
		}
	}
	du.agenda.add(stageDuty, now)
}

// retired reports whether nothing waits for this device any more after
// [Retire]: each member's peer has taken over and the switch has left the leg,
// or there is nobody to take over.
func (du *duties) retired() bool {
	for _, t := range du.trunks.list {
		for _, ms := range t.state.Members {
			m := t.members[ms.ID]
			if m != nil && (!m.handedOver(ms) || takesOver(ms) && du.links[m.leg.Netdev].Up) {
				return false
			}
		}
	}
	return true
}

// handedOver reports whether a member that retires can be done without.
func (m *member) handedOver(ms etrunk.MemberState) bool {
	return m.Covers == etrunk.NoBuckets || !takesOver(ms)
}

// takesOver reports whether there is a peer that sends in a member's place, or could.
func takesOver(ms etrunk.MemberState) bool {
	return ms.PeerKnown && ms.PeerMode != etrunk.ForceBackup &&
		(ms.Peer.Up && ms.Peer.Role == etrunk.MemberMaster || ms.Peer.Ready || ms.Held)
}

// switchover hands everything to the peer, or takes the share back.
func (du *duties) switchover(now instant.Time, id uint32, on bool) {
	t := du.trunks.get(id)
	if t == nil {
		return
	}
	for _, m := range t.members {
		m.Yielded = on
		if !on { // an operator who asks does not want to wait
			m.Fit, m.FitAt, m.Lack, m.Lacking, m.Aside = true, now.Add(-joinSettle), etrunk.LackNothing, "", false
			t.core.EndRevert(now, m.id.EthTrunk)
		}
	}
	du.agenda.add(stageDuty, now)
}
