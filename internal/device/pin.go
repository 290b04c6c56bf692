package device

import (
	"slices"

	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// refreshPins gives the services what the hellos tell of their peers.
func (u *upkeep) refreshPins(now instant.Time) {
	for _, s := range u.services.list {
		if pin := u.pin(s); pin != s.Pin {
			s.Pin = pin
			u.services.enable(now, s)
		}
	}
}

// pin returns who the peer of a service is. An E-Trunk whose peer is alive counts before one
// whose peer is lost. While none of them has heard its peer, what was known stays: an E-Trunk
// that is set up anew does not interrupt the service.
func (u *upkeep) pin(s *service) (best ServicePin) {
	if !s.cfg.Pinned {
		return best
	}
	if slices.Contains(s.cfg.ETrunks, s.Pin.ETrunk) {
		best = s.Pin
	}
	alive := false
	for _, id := range slices.Backward(s.cfg.ETrunks) { // the first one counts most
		t := u.trunks.get(id)
		if t == nil || t.state.PeerDeviceID == 0 || alive && !t.state.PeerAlive {
			continue
		}
		alive = t.state.PeerAlive
		best = ServicePin{rbs.Pin{Certificate: t.state.PeerCertificate, Device: t.state.PeerDeviceID}, id}
	}
	return best
}
