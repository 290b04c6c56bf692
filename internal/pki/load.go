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

// Files are the paths of what a device needs.
type Files struct {
	CA, Certificate, Key string
}

// Credentials are what a device shows and whom it believes.
type Credentials struct {
	own tls.Certificate
	ca  *x509.CertPool
}

// Load reads the files. It refuses a certificate that does not go with its key, is
// not valid at the time now or is not of the authority, as the peer would.
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

// Expires is when the device's own certificate ends.
func (c *Credentials) Expires() time.Time { return c.own.Leaf.NotAfter }

// Same reports whether two credentials have the same certificate and trust the same
// authorities. Either may be nil.
func (c *Credentials) Same(o *Credentials) bool {
	if c == nil || o == nil {
		return c == o
	}
	return c.own.Leaf.Equal(o.own.Leaf) && c.ca.Equal(o.ca)
}

// Client is the configuration of the end that connects to the peer's address.
func (c *Credentials) Client(peer netip.Addr) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{c.own},
		RootCAs:                c.ca,
		ServerName:             peer.String(),
		SessionTicketsDisabled: true,
	}
}

// Server is the configuration of the end that accepts the peer. The certificate
// must be of the peer's address.
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

// Explain says whose fault a failed handshake or connection is: an alert of the
// peer means that it refuses what this device has shown.
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
		return fmt.Errorf("the peer's certificate is refused: %w", invalid.Err)
	}
	return err
}
