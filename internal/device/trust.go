package device

import (
	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// ServicePin is what the hellos of an E-Trunk tell of the peer of a service.
type ServicePin struct {
	rbs.Pin        // without a certificate, the peer is of a release that has none
	ETrunk  uint32 // that has told it, 0 while none has
}

// waits returns why a service cannot connect yet, empty if it can.
func (s *service) waits() string {
	switch {
	case !s.cfg.Pinned || s.Pin.ETrunk != 0:
		return ""
	case len(s.cfg.ETrunks) == 0:
		return "no E-Trunk leads to the peer, so its certificate is not known"
	}
	return "the certificate of the peer is not known until its hellos are heard"
}

// inClear reports whether a service that is to be protected is not, because the peer cannot.
func (s *service) inClear() bool {
	return s.cfg.Pinned && s.core.TCP() == rbs.Connected && s.Pin.Certificate == (rbs.Fingerprint{})
}

func (s *service) distrust(now instant.Time, distrusted bool, reason string) {
	if distrusted {
		s.core.Distrust(now, reason)
	}
}
