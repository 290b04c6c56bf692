package device

import (
	"net/netip"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// A service connects between the addresses that are configured for it. Where those are an
// E-Trunk's, it takes a heartbeat path while the primary one is broken. Both devices know
// that by BFD, and choose the same path.

// refreshDetours has services take a detour, and leave it.
func (d *Device) refreshDetours(now instant.Time) {
	for _, s := range d.services.list {
		if detour := d.detour(s); detour != s.Detour {
			s.Detour = detour
			d.enableService(now, s)
		}
	}
}

// detour returns the addresses of the heartbeat path that a service is to take, zero for
// none. A connection that is there is left alone.
func (d *Device) detour(s *service) (best rbs.Ends) {
	for _, t := range d.trunks.list {
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
