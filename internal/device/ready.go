package device

import (
	"fmt"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

const (
	// joinSettle is how long after the last join upstream this device waits for the
	// streams to arrive, before it calls itself ready.
	joinSettle = 500 * time.Millisecond
	// hearLimit is how long a leg with carrier waits for a first packet while the peer is
	// ready. A switch port takes up to a few seconds from carrier to forwarding.
	hearLimit = 5 * time.Second
	// asideAfter is how long the peer must have been ready to count as the device that
	// serves.
	asideAfter = 3 * time.Second
)

// ready decides whether the member could send every wanted (S,G) now. A member that stood
// aside for a serving peer also waits for the revert delay, because a reboot is often
// followed by another one. This does not apply if the peer gives the leg back: then the
// roles wait for the revert delay.
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

// standAside decides whether a member that is not ready leaves everything to a peer that
// serves already. A peer that has become ready only a moment earlier, for instance
// because both devices boot, does not count.
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

// serves reports whether the member was ready when ready was last computed.
func (m *member) serves() bool { return m.Fit && m.Lacking == "" }

// keptDown reports whether the leg of a Backup may be down only because this device has
// not requested it to be up. Such a leg must not keep the member from becoming Master, or
// it would stay down for ever.
func (m *member) keptDown(ms etrunk.MemberState) bool {
	return ms.Role == etrunk.MemberBackup && !m.leg.Shutdown && (m.Asked == nil || !m.Asked.Up)
}

func (m *member) setLack(lack etrunk.Lack, words string) { m.Lack, m.Lacking = lack, words }

// lacking returns what keeps a member from serving: a code for the hello and words for
// displays; LackNothing if nothing does.
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
	case !m.Fit && du.upstream.joining(): // joins of new listeners later do not make a ready member unready
		return etrunk.LackJoins, "joining upstream"
	}
	return etrunk.LackNothing, ""
}

// yields reports whether a member leaves everything to the peer because of a switchover.
// If the peer is Master and cannot serve for partLimit, as long as LACP may take, this
// member serves again until the peer can.
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

// noteCarrier records since when the leg has carrier.
func (m *member) noteCarrier(now instant.Time, up bool) {
	switch {
	case !up:
		m.UpAt = instant.Never
	case !m.UpAt.IsSet():
		m.UpAt = now
	}
}

// untried reports whether the switch's port may have carrier without forwarding yet: no
// packet has come in on the leg. Without any host no packet comes, so this lasts for
// hearLimit at most.
func (du *duties) untried(now instant.Time, m *member) bool {
	link := du.links[m.leg.Netdev]
	return link.Up && !link.Heard && du.before(now, m.UpAt.Add(hearLimit))
}

// peerSoonReady reports whether the peer's member is ready or will be ready in a moment.
func peerSoonReady(ms etrunk.MemberState) bool {
	return ms.PeerKnown && (ms.Peer.Ready || ms.Peer.Lack == etrunk.LackHearing || ms.Peer.Lack == etrunk.LackTime)
}

// apart reports whether LACP has not yet put the leg into the switch's aggregate, so that
// the switch drops what the leg sends.
func (m *member) apart(link LinkChanged) bool { return m.leg.LACP && link.LACP && link.Apart }
