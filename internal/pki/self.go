package pki

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// Fingerprint is the SHA-256 of a certificate in DER.
type Fingerprint [sha256.Size]byte

// FingerprintOf returns the fingerprint of the certificate that the other end of a
// connection has shown, the zero value if it has shown none.
func FingerprintOf(s tls.ConnectionState) Fingerprint {
	if len(s.PeerCertificates) == 0 {
		return Fingerprint{}
	}
	return sha256.Sum256(s.PeerCertificates[0].Raw)
}

// Self is a certificate that a device has signed itself, with its key. The peer
// identifies the device only by the certificate's fingerprint, and ignores everything
// else in the certificate.
type Self struct{ own tls.Certificate }

// NewSelf makes a key and a certificate.
func NewSelf() (*Self, error) {
	// RFC 5280, section 4.1.2.5: this date means that the certificate does not expire.
	// The clock of a device may be wrong.
	always := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	from := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	made, err := signUntil(&x509.Certificate{
		Subject:     pkix.Name{CommonName: "Tandem device"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, from, always, nil)
	if err != nil {
		return nil, err
	}
	return &Self{tls.Certificate{Certificate: [][]byte{made.cert.Raw}, PrivateKey: made.key, Leaf: made.cert}}, nil
}

// ParseSelf parses the output of PEM.
func ParseSelf(text []byte) (*Self, error) {
	own, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, err
	}
	return &Self{own}, nil
}

// PEM returns the certificate and the private key in one text.
func (s *Self) PEM() ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(s.own.PrivateKey)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.own.Leaf.Raw})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...), nil
}

// Fingerprint returns the fingerprint of the certificate.
func (s *Self) Fingerprint() Fingerprint { return sha256.Sum256(s.own.Leaf.Raw) }

// Client returns the TLS configuration of the end that connects. The peer must show the
// certificate with the fingerprint that peer returns. peer is called during the
// handshake.
func (s *Self) Client(peer func() Fingerprint) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{s.own},
		InsecureSkipVerify:     true, // VerifyConnection checks the fingerprint instead of a chain and a name
		SessionTicketsDisabled: true,
		VerifyConnection:       pinned(peer),
	}
}

// Server returns the TLS configuration of the end that accepts connections, see
// [Self.Client].
func (s *Self) Server(peer func() Fingerprint) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{s.own},
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true,
		VerifyConnection:       pinned(peer),
	}
}

// pinned returns a function that refuses every certificate except the one with the given
// fingerprint.
func pinned(peer func() Fingerprint) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		got, want := FingerprintOf(s), peer()
		if got == want && want != (Fingerprint{}) {
			return nil
		}
		return &tls.CertificateVerificationError{
			UnverifiedCertificates: s.PeerCertificates,
			Err:                    fmt.Errorf("it has the SHA-256 %x, the hellos of the peer name %x", got, want),
		}
	}
}

// Untrusted reports whether a handshake failed because the other end could not prove that
// it is the peer: it showed a wrong certificate, or does not use TLS.
func Untrusted(err error) bool {
	var invalid *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &invalid) || errors.As(err, &record)
}
