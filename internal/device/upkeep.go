package device

import (
	"net/netip"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// upkeep does what follows from the duties and goes through many records.
type upkeep struct {
	*ground
	trunks      *trunks
	services    *replication
	downstreams *downstreams
}

// refresh does all of it.
func (u *upkeep) refresh(now instant.Time) {
	u.refreshDetours(now)
	u.refreshRetention(now)
	u.refreshQueriers(now)
}

// refreshQueriers gives the querier's duty to the interfaces that have it.
func (u *upkeep) refreshQueriers(now instant.Time) {
	for _, ifc := range u.downstreams.list {
		ifc.router.SetQuerierDuty(now, ifc.duty().Querier)
	}
}

// refreshRetention stops the ageing of the peer's records while their channel
// is broken and the peer is alive, for the retention time at most.
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

// forgetMargin is ample for the difference between the moments at which the two devices
// noticed that the channel broke.
const forgetMargin = 10 * time.Second

// becomeUnknown makes orphans of all listeners that were heard here before the peer, which has
// held its copies until a time, lets them expire.
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
			// As if from before the connection that may be there by now: it tells of them all.
			u.services.exceptions.await(s.LostAt, listener{ifc, h}, replicaVersion(v), false)
		}
	}
	u.services.exceptions.soon(now)
}

// peerAlive reports whether any E-Trunk behind a service still hears its peer.
func (u *upkeep) peerAlive(service string) bool {
	for _, p := range u.settings.Profiles {
		if t := u.trunks.get(p.Member.ETrunk); p.Service == service && t != nil && t.state.PeerAlive {
			return true
		}
	}
	return false
}

// A service connects between the addresses that are configured for it. Where those are an
// E-Trunk's, it takes a heartbeat path while the primary one is broken. Both devices know
// that by BFD, and choose the same path.

// refreshDetours has services take a detour, and leave it.
func (u *upkeep) refreshDetours(now instant.Time) {
	for _, s := range u.services.list {
		if detour := u.detour(s); detour != s.Detour {
			s.Detour = detour
			u.services.enable(now, s)
		}
	}
}

// detour returns the addresses of the heartbeat path that a service is to take, zero for
// none. A connection that is there is left alone.
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

// lower is the lower of the two addresses, which is the same on both devices.
func lower(e rbs.Ends) netip.Addr {
	if e.Peer.Less(e.Local) {
		return e.Peer
	}
	return e.Local
}
