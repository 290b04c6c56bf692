package device

import (
	"fmt"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

const (
	// joinSettle is how long after the last upstream join the streams are
	// given to arrive before this device calls itself ready.
	joinSettle = 500 * time.Millisecond
	// hearLimit is how long a leg that has carrier waits for a packet to come in where the peer
	// is ready. Ports of switches take up to a few seconds from carrier to forwarding.
	hearLimit = 5 * time.Second
	// asideAfter is how long a peer must have been ready to count as the one that serves.
	asideAfter = 3 * time.Second
)

// ready decides whether the member could send every wanted (S,G) now. A member
// that stood aside for a serving peer also waits for the revert delay, for a
// reboot is often followed by another; where the peer gives the leg back, the role does.
func (du *duties) ready(now instant.Time, t *trunk, m *member, ms etrunk.MemberState, up bool) bool {
	m.standAside(now, ms)
	m.noteCarrier(now, du.links[m.leg.Netdev].Up)
	m.setLack(du.lacking(now, m, ms, up || m.keptDown(ms)))
	if fit := m.Lacking == ""; fit != m.Fit {
		m.Fit, m.FitAt = fit, now
	}
	if !m.Fit {
		return false
	}
	readyAt := m.FitAt.Add(joinSettle)
	if m.Aside {
		if t.cfg.RevertDisable {
			m.setLack(etrunk.LackRevert, "the E-Trunk does not revert")
			return false
		}
		readyAt = readyAt.Add(t.cfg.RevertDelay)
	}
	if now < readyAt {
		m.setLack(etrunk.LackTime, fmt.Sprintf("settling, %d s left", (readyAt.Sub(now)+time.Second-1)/time.Second))
		du.agenda.add(stageDuty, readyAt)
		return false
	}
	return true
}

// standAside notes whether a member that is not ready finds a peer that serves without
// it. A peer that has become ready a moment sooner, as when both boot, does not count.
func (m *member) standAside(now instant.Time, ms etrunk.MemberState) {
	switch {
	case !ms.PeerKnown:
		m.Rival = rivalUnknown
	case !ms.Peer.Ready:
		m.Rival = rivalNotReady
	case m.Rival == rivalNotReady:
		m.Rival, m.RivalAt = rivalReady, now
	case m.Rival == rivalUnknown:
		m.Rival, m.RivalAt = rivalReady, now.Add(-asideAfter)
	}
	was := m.serves()
	if m.Fit {
		now = m.FitAt
	}
	m.Aside = servesAlone(ms) && !ms.GivesBack && (m.Aside || !was && now >= m.RivalAt.Add(asideAfter))
}

// serves tells that the member was ready when it was last looked at.
func (m *member) serves() bool { return m.Fit && m.Lacking == "" }

// keptDown tells that the leg of a Backup may be down since nobody has asked for it to be
// up. That is no reason not to become Master, for then it would stay down for ever.
func (m *member) keptDown(ms etrunk.MemberState) bool {
	return ms.Role == etrunk.MemberBackup && !m.leg.Shutdown && (m.Asked == nil || !m.Asked.Up)
}

func (m *member) setLack(lack etrunk.Lack, words string) { m.Lack, m.Lacking = lack, words }

// lacking tells what keeps a member from serving, for the peer and in words, nothing when nothing does.
func (du *duties) lacking(now instant.Time, m *member, ms etrunk.MemberState, legUp bool) (etrunk.Lack, string) {
	unreplicated := du.unreplicated(m, ms)
	switch {
	case du.yields(now, m, ms):
		return etrunk.LackSwitchover, "handed over on request"
	case m.Withdrawn:
		return etrunk.LackConfiguration, "its configuration is about to change"
	case unreplicated != "":
		return etrunk.LackReplication, unreplicated
	case ms.ProfilesDiffer:
		return etrunk.LackProfile, "the peer's remote backup profile has another backup-id"
	case m.Stranded:
		return etrunk.LackChannel, "no upstream, and no channel to tell the peer who listens"
	case !legUp:
		return etrunk.LackLeg, "the Eth-Trunk is down"
	case !m.serves() && peerSoonReady(ms) && du.untried(now, m):
		return etrunk.LackHearing, "nothing has come in on the Eth-Trunk since it came up"
	case ms.Role == etrunk.MemberMaster && m.apart(du.links[m.leg.Netdev]):
		return etrunk.LackAggregate, "the switch does not have the Eth-Trunk in its aggregate"
	case !du.upstream.exists():
		return etrunk.LackUpstream, "no upstream interface"
	case !du.upstream.isUp():
		return etrunk.LackUpstream, "the upstream interface is down"
	case du.unable(m) != "":
		return etrunk.LackInterface, du.unable(m)
	case !du.services.synchronised(m.id):
		return etrunk.LackSync, "not synchronised with the peer yet"
	case du.services.lacksStreams(m.id):
		return etrunk.LackStreams, "streams do not arrive"
	case !m.Fit && du.upstream.joining(): // a new listener later does not revoke it
		return etrunk.LackJoins, "joining upstream"
	}
	return etrunk.LackNothing, ""
}

// yields reports whether a member leaves everything to the peer on request. A Master that
// cannot serve for as long as LACP may take is helped until it can.
func (du *duties) yields(now instant.Time, m *member, ms etrunk.MemberState) bool {
	lame := ms.PeerKnown && !ms.Peer.Ready && (m.HelpAt.IsSet() || ms.Peer.Up && ms.Peer.Role == etrunk.MemberMaster)
	switch {
	case !m.Yielded || du.kept.Retiring || !lame:
		m.HelpAt = instant.Never
		return m.Yielded
	case !m.HelpAt.IsSet():
		m.HelpAt = now.Add(partLimit)
	}
	return du.before(now, m.HelpAt)
}

// noteCarrier notes since when the leg has carrier.
func (m *member) noteCarrier(now instant.Time, up bool) {
	switch {
	case !up:
		m.UpAt = instant.Never
	case !m.UpAt.IsSet():
		m.UpAt = now
	}
}

// untried reports whether the switch's port may have carrier and not forward yet: nothing has
// come in on the leg. Where no host speaks, nothing will, so it waits for a while only.
func (du *duties) untried(now instant.Time, m *member) bool {
	link := du.links[m.leg.Netdev]
	return link.Up && !link.Heard && du.before(now, m.UpAt.Add(hearLimit))
}

// peerSoonReady reports whether the peer is ready, or will be in a moment.
func peerSoonReady(ms etrunk.MemberState) bool {
	return ms.PeerKnown && (ms.Peer.Ready || ms.Peer.Lack == etrunk.LackHearing || ms.Peer.Lack == etrunk.LackTime)
}

// apart tells that LACP has not come so far that the switch takes what is sent.
func (m *member) apart(link LinkChanged) bool { return m.leg.LACP && link.LACP && link.Apart }
