package pki

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// Files holds the paths of a device's certificate files.
type Files struct {
	CA, Certificate, Key string
}

// Credentials holds the certificate that a device presents, and the authorities that it
// trusts.
type Credentials struct {
	own tls.Certificate
	ca  *x509.CertPool
}

// Load reads the files. It refuses a certificate that the peer would refuse: its key does
// not match, it is not valid at the time now, or the authority has not signed it.
func Load(f Files, now time.Time) (*Credentials, error) {
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, fmt.Errorf("trusted CA: %w", err)
	}
	c := &Credentials{ca: x509.NewCertPool()}
	if !c.ca.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("trusted CA: %s holds no certificate", f.CA)
	}
	if c.own, err = tls.LoadX509KeyPair(f.Certificate, f.Key); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	_, err = c.own.Leaf.Verify(x509.VerifyOptions{Roots: c.ca, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", f.Certificate, err)
	}
	return c, nil
}

// Expires returns when the device's own certificate expires.
func (c *Credentials) Expires() time.Time { return c.own.Leaf.NotAfter }

// Same reports whether two credentials have the same certificate and trust the same
// authorities. Either may be nil.
func (c *Credentials) Same(o *Credentials) bool {
	if c == nil || o == nil {
		return c == o
	}
	return c.own.Leaf.Equal(o.own.Leaf) && c.ca.Equal(o.ca)
}

// Client returns the TLS configuration of the end that connects to the peer's address.
func (c *Credentials) Client(peer netip.Addr) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{c.own},
		RootCAs:                c.ca,
		ServerName:             peer.String(),
		SessionTicketsDisabled: true,
	}
}

// Server returns the TLS configuration of the end that accepts the peer. The peer's
// certificate must be for the peer's address.
func (c *Credentials) Server(peer netip.Addr) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{c.own},
		ClientCAs:              c.ca,
		ClientAuth:             tls.RequireAndVerifyClientCert,
		SessionTicketsDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if err := s.PeerCertificates[0].VerifyHostname("[" + peer.String() + "]"); err != nil {
				return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
			}
			return nil
		},
	}
}

// Explain makes an error of a handshake or connection say which device refuses: an alert
// from the peer means that the peer refuses this device's certificate.
func Explain(err error) error {
	var alert *net.OpError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &alert) && alert.Op == "remote error":
		return fmt.Errorf("the peer refuses this device's certificate: %w", err)
	case errors.As(err, &record):
		return fmt.Errorf("the peer does not speak TLS: %w", err)
	}
	var invalid *tls.CertificateVerificationError
	if errors.As(err, &invalid) {
		return fmt.Errorf("the peer's certificate is refused: %w", refusal{invalid})
	}
	return err
}

// refusal is the reason for refusing a certificate, without the wrapping of crypto/tls.
type refusal struct {
	of *tls.CertificateVerificationError
}

func (r refusal) Error() string { return r.of.Err.Error() }

func (r refusal) Unwrap() error { return r.of }
