package device

import (
	"net/netip"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// upkeep does what follows from the duties and has to go through many records.
type upkeep struct {
	*ground
	trunks      *trunks
	services    *replication
	downstreams *downstreams
}

// refresh does all parts of the upkeep.
func (u *upkeep) refresh(now instant.Time) {
	u.refreshDetours(now)
	u.refreshPins(now)
	u.refreshRetention(now)
	u.refreshQueriers(now)
}

// refreshQueriers sets the querier's duty of every interface.
func (u *upkeep) refreshQueriers(now instant.Time) {
	for _, ifc := range u.downstreams.list {
		ifc.router.SetQuerierDuty(now, ifc.duty().Querier)
	}
}

// refreshRetention keeps the records that the peer heard from aging while the channel is
// down and the peer is alive, for at most the configured retention.
func (u *upkeep) refreshRetention(now instant.Time) {
	for _, s := range u.services.list {
		until := s.LostAt.Add(s.cfg.Retention)
		cut := s.EverUp && !s.InSync && u.peerAlive(s.name)
		holding := cut && now < until
		if holding {
			u.agenda.add(stageRecords, until)
		} else if cut {
			u.becomeUnknown(now, s, until)
		}
		if holding == s.Holding {
			continue
		}
		s.Holding = holding
		for _, ifc := range s.interfaces {
			ifc.router.RetainPeer(now, holding)
		}
	}
}

// forgetMargin is more than the possible difference between the moments at which the two
// devices noticed that the channel went down.
const forgetMargin = 10 * time.Second

// becomeUnknown makes exceptions of all listeners whose reports came here, before the
// peer lets its copies of their records expire. held is when the peer's retention ends.
func (u *upkeep) becomeUnknown(now instant.Time, s *service, held instant.Time) {
	if s.Unknown || len(s.interfaces) == 0 {
		return
	}
	life := s.interfaces[0].router.ListeningInterval()
	for _, ifc := range s.interfaces {
		life = min(life, ifc.router.ListeningInterval())
	}
	if at := held.Add(life - forgetMargin); now < at {
		u.agenda.add(stageRecords, at)
		return
	}
	s.Unknown = true
	for _, ifc := range s.interfaces {
		for h, v := range ifc.router.Own() {
			// They count as joined before any connection that may be up by now: its
			// synchronisation sends all of them.
			u.services.exceptions.await(s.LostAt, listener{ifc, h}, replicaVersion(v), false)
		}
	}
	u.services.exceptions.soon(now)
}

// peerAlive reports whether the peer of any E-Trunk behind a service is alive.
func (u *upkeep) peerAlive(service string) bool {
	for _, p := range u.settings.Profiles {
		if t := u.trunks.get(p.Member.ETrunk); p.Service == service && t != nil && t.state.PeerAlive {
			return true
		}
	}
	return false
}

// A service connects between its configured addresses. If these are the addresses of an
// E-Trunk, and the E-Trunk's primary path is broken, the service uses a heartbeat path (a
// detour). Both devices learn of the fault by BFD, and choose the same path.

// refreshDetours makes services take a detour, or leave it.
func (u *upkeep) refreshDetours(now instant.Time) {
	for _, s := range u.services.list {
		if detour := u.detour(s); detour != s.Detour {
			s.Detour = detour
			u.services.enable(now, s)
		}
	}
}

// detour returns the addresses of the heartbeat path that a service should use, zero for
// none. It does not move a connection that is up.
func (u *upkeep) detour(s *service) (best rbs.Ends) {
	for _, t := range u.trunks.list {
		own := t.cfg.VPN == "" && t.cfg.Local == s.cfg.Local && t.cfg.Peer == s.cfg.Peer
		broken := t.state.BFD == etrunk.BFDDown && t.state.PeerAlive
		if !own || !broken || !s.Detour.Peer.IsValid() && s.core.TCP() == rbs.Connected {
			continue
		}
		for _, path := range t.state.Paths[1:] {
			ends := rbs.Ends{Local: path.Local, Peer: path.Peer}
			if path.Up && path.VPN == "" && (!best.Peer.IsValid() || lower(ends).Less(lower(best))) {
				best = ends
			}
		}
	}
	return best
}

// lower returns the lower of the two addresses, which is the same on both devices.
func lower(e rbs.Ends) netip.Addr {
	if e.Peer.Less(e.Local) {
		return e.Peer
	}
	return e.Local
}
