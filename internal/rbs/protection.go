package rbs

import (
	"fmt"
	"time"

	"tandem/internal/instant"
)

// Fingerprint is the SHA-256 of a certificate.
type Fingerprint [32]byte

// Pin says who the peer is, as far as it is known from outside of the service.
type Pin struct {
	// Certificate is the one that the peer must show. If it is zero, any protection that the
	// caller gives the connection is good.
	Certificate Fingerprint
	// Device is the device ID that the peer's HELLO must have, 0 for any.
	Device uint64
}

// Security is how a connection is protected, as the caller has found it when it was made.
type Security struct {
	TLS         bool
	Certificate Fingerprint // that the peer has shown, zero in clear
}

// distrustFor is how long it is held against the channel that somebody was refused who did
// not prove to be the peer. A connection of the peer ends it.
const distrustFor = time.Minute

// Distrust says that somebody at the peer's address has not proven to be the peer. It comes
// before the DialFailed or HandshakeFailed of the connection.
func (s *Service) Distrust(now instant.Time, reason string) {
	s.kept.Distrust, s.kept.DistrustedAt = reason, now
}

// Distrusted returns why somebody at the peer's address was refused lately, empty if nobody
// was since the last connection of the peer.
func (s *Service) Distrusted() string { return s.kept.Distrust }

// distrustEnds returns when the last refusal does not count any more, Never if none does.
func (s *Service) distrustEnds() instant.Time {
	if s.kept.Distrust == "" {
		return instant.Never
	}
	return s.kept.DistrustedAt.Add(distrustFor)
}

func (s *Service) trust() { s.kept.Distrust, s.kept.DistrustedAt = "", instant.Never }

// checkPin returns why a connection is not the peer's, nil if it is.
func (s *Service) checkPin(by Security) error {
	if pin := s.cfg.Pin.Certificate; pin != (Fingerprint{}) && by.Certificate != pin {
		return fmt.Errorf("the certificate shown has the SHA-256 %x, the hellos of the peer name %x", by.Certificate, pin)
	}
	return nil
}

// waiting returns why no connection may be made yet, empty if one may.
func (s *Service) waiting() string {
	if s.active {
		return s.cfg.Wait
	}
	return ""
}
