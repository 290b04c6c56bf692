package device

import (
	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// ServicePin is what the hellos on an E-Trunk say about the identity of a service's peer.
type ServicePin struct {
	rbs.Pin        // if Certificate is zero, the peer's release does not support certificates
	ETrunk  uint32 // the E-Trunk whose hellos contained it, 0 if there is none
}

// waits returns why a service cannot connect yet. It is empty if the service can connect.
func (s *service) waits() string {
	switch {
	case !s.cfg.Pinned || s.Pin.ETrunk != 0:
		return ""
	case len(s.cfg.ETrunks) == 0:
		return "no E-Trunk leads to the peer, so its certificate is not known"
	}
	return "the certificate of the peer is not known until its hellos are heard"
}

// inClear reports whether a service that should be protected is not, because the peer's
// release does not support it.
func (s *service) inClear() bool {
	return s.cfg.Pinned && s.core.TCP() == rbs.Connected && s.Pin.Certificate == (rbs.Fingerprint{})
}

func (s *service) distrust(now instant.Time, distrusted bool, reason string) {
	if distrusted {
		s.core.Distrust(now, reason)
	}
}
