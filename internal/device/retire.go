package device

import (
	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

// retire hands everything to the peer, without return.
func (du *duties) retire(now instant.Time) {
	du.kept.Retiring = true
	for _, t := range du.trunks.list {
		for _, m := range t.members {
			m.Yielded = true
		}
	}
	du.agenda.add(stageDuty, now)
}

// retired reports whether this device can be switched off without loss after [Retire]:
// the peer has taken over on each member and the switch has dropped the leg, or no device
// can take over.
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

// handedOver reports whether no listener needs a retiring member any more.
func (m *member) handedOver(ms etrunk.MemberState) bool {
	return m.Covers == etrunk.NoBuckets || !takesOver(ms)
}

// takesOver reports whether there is a peer that sends in place of a member, or could.
func takesOver(ms etrunk.MemberState) bool {
	return ms.PeerKnown && ms.PeerMode != etrunk.ForceBackup &&
		(ms.Peer.Up && ms.Peer.Role == etrunk.MemberMaster || ms.Peer.Ready || ms.Held)
}

// switchover hands everything to the peer, or ends that.
func (du *duties) switchover(now instant.Time, id uint32, on bool) {
	t := du.trunks.get(id)
	if t == nil {
		return
	}
	for _, m := range t.members {
		m.Yielded = on
		if !on { // an operator who ends a switchover does not want to wait for the revert delay
			m.Fit, m.FitAt, m.Lack, m.Lacking, m.Aside = true, now.Add(-joinSettle), etrunk.LackNothing, "", false
			t.core.EndRevert(now, m.id.EthTrunk)
		}
	}
	du.agenda.add(stageDuty, now)
}
