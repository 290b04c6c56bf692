package rbs

import (
	"fmt"
	"time"

	"tandem/internal/instant"
)

// Fingerprint is the SHA-256 of a certificate.
type Fingerprint [32]byte

// Pin says who the peer is, as the caller knows it from the peer's hellos.
type Pin struct {
	// Certificate is the fingerprint of the certificate that the peer must show. If it is
	// zero, the service accepts any protection of the connection.
	Certificate Fingerprint
	// Device is the device ID that the peer's HELLO must have, 0 for any.
	Device uint64
}

// Security says how a connection is protected. The caller determines it when the
// connection is made.
type Security struct {
	TLS         bool
	Certificate Fingerprint // the certificate that the peer has shown, zero without TLS
}

// distrustFor is how long the service reports that it refused a connection whose other
// end could not prove that it is the peer. A connection of the true peer ends the report
// earlier.
const distrustFor = time.Minute

// Distrust records that a connection from the peer's address could not prove that it is
// the peer's. The caller calls it before DialFailed or HandshakeFailed for this
// connection.
func (s *Service) Distrust(now instant.Time, reason string) {
	s.kept.Distrust, s.kept.DistrustedAt = reason, now
}

// Distrusted returns why a connection from the peer's address was refused lately. It is
// empty if none was refused since the last connection of the peer.
func (s *Service) Distrusted() string { return s.kept.Distrust }

// distrustEnds returns when the last refusal is no longer reported, Never if there is
// none.
func (s *Service) distrustEnds() instant.Time {
	if s.kept.Distrust == "" {
		return instant.Never
	}
	return s.kept.DistrustedAt.Add(distrustFor)
}

func (s *Service) trust() { s.kept.Distrust, s.kept.DistrustedAt = "", instant.Never }

// checkPin returns an error if a connection is not the peer's, because its certificate is
// not the pinned one.
func (s *Service) checkPin(by Security) error {
	if pin := s.cfg.Pin.Certificate; pin != (Fingerprint{}) && by.Certificate != pin {
		return fmt.Errorf("the certificate shown has the SHA-256 %x, the hellos of the peer name %x", by.Certificate, pin)
	}
	return nil
}

// waiting returns why no connection may be made yet. It is empty if connections may be
// made.
func (s *Service) waiting() string {
	if s.active {
		return s.cfg.Wait
	}
	return ""
}
