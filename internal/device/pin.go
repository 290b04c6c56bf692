package device

import (
	"slices"

	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// refreshPins updates the pin of each service from the hellos of its peer.
func (u *upkeep) refreshPins(now instant.Time) {
	for _, s := range u.services.list {
		if pin := u.pin(s); pin != s.Pin {
			s.Pin = pin
			u.services.enable(now, s)
		}
	}
}

// pin returns the certificate and the device ID that the peer of a service must have. An
// E-Trunk whose peer is alive has precedence over an E-Trunk whose peer is lost. While no
// E-Trunk has received a hello, the previous pin stays valid, so that the service is not
// interrupted when an E-Trunk is configured again.
func (u *upkeep) pin(s *service) (best ServicePin) {
	if !s.cfg.Pinned {
		return best
	}
	if slices.Contains(s.cfg.ETrunks, s.Pin.ETrunk) {
		best = s.Pin
	}
	alive := false
	for _, id := range slices.Backward(s.cfg.ETrunks) { // the first E-Trunk has precedence, so it is inspected last
		t := u.trunks.get(id)
		if t == nil || t.state.PeerDeviceID == 0 || alive && !t.state.PeerAlive {
			continue
		}
		alive = t.state.PeerAlive
		best = ServicePin{rbs.Pin{Certificate: t.state.PeerCertificate, Device: t.state.PeerDeviceID}, id}
	}
	return best
}
