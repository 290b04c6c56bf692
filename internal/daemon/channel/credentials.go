package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"time"

	"tandem/internal/event"
	"tandem/internal/pki"
)

// Policy is the SSL policy of a service: the service uses TLS with these files.
type Policy struct {
	Name  string
	Files pki.Files
}

// credentials are the certificate that a service presents to its peer, and the CA with
// which it checks the peer's certificate.
type credentials struct {
	policy Policy
	loaded *pki.Credentials // nil until the files have been read once without an error
	err    error            // why the files cannot be used now
}

// load reads the files. If they cannot be used any more, the service keeps the
// credentials it has; the peer decides whether it still accepts them.
func (c *credentials) load() {
	loaded, err := pki.Load(c.policy.Files, time.Now())
	if c.err = nil; err != nil {
		c.err = fmt.Errorf("ssl policy %s: %w", c.policy.Name, err)
	}
	if loaded != nil || c.loaded == nil {
		c.loaded = loaded
	}
}

// load reads the files of the policies; the key of the map is the service. A policy that is
// already in force keeps its credentials if its files have become unusable.
func (c *Channels) load(policies map[string]Policy) map[string]*credentials {
	all := make(map[string]*credentials)
	for service, policy := range policies {
		own := &credentials{policy: policy}
		if c.inForce(service, policy) {
			own.loaded = c.credentials[service].loaded
		}
		own.load()
		all[service] = own
	}
	return all
}

// inForce reports whether a service already uses the files of a policy.
func (c *Channels) inForce(service string, policy Policy) bool {
	own := c.credentials[service]
	return own != nil && own.policy.Files == policy.Files
}

// CheckPolicies returns an error if the files of a new policy cannot be used. A policy that is
// in force is not refused: its certificate may have expired since it was committed, and that
// must not block other changes. The key of the map is the service; a service without a policy
// uses no TLS.
func (c *Channels) CheckPolicies(policies map[string]Policy) error {
	for service, own := range c.load(policies) {
		if own.err != nil && !c.inForce(service, own.policy) {
			return own.err
		}
	}
	return nil
}

// UsePolicies makes later connections use policies. It returns the services whose present
// connections use other credentials, see [Channels.Reconnect].
func (c *Channels) UsePolicies(policies map[string]Policy) (changed []string) {
	all := c.load(policies)
	of := func(own *credentials) *pki.Credentials {
		if own == nil {
			return nil
		}
		return own.loaded
	}
	for service := range c.byService {
		if !of(c.credentials[service]).Same(of(all[service])) {
			changed = append(changed, service)
		}
	}
	for service, own := range all {
		if own.err != nil {
			c.o.Emit(event.RBSChannelEvent.With(service, "not usable", own.err))
		}
	}
	c.credentials = all
	return changed
}

// usable returns the credentials of a service, or nil if it uses no TLS. It reads files
// again that could not be used before, because an operator may have renewed them or set
// the clock.
func (c *Channels) usable(service string) (*pki.Credentials, error) {
	own := c.credentials[service]
	if own == nil {
		return nil, nil
	}
	if own.loaded == nil {
		own.load()
	}
	if own.loaded == nil {
		return nil, own.err
	}
	return own.loaded, nil
}

// handshakeTimeout bounds the duration of the TLS handshake.
const handshakeTimeout = 2 * time.Second

// handshake does the TLS handshake within handshakeTimeout.
func handshake(ctx context.Context, c *tls.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	switch err := c.HandshakeContext(ctx); {
	case errors.Is(err, io.EOF):
		return errors.New("the peer ended the handshake without a word; it knows why")
	case err != nil:
		return pki.Explain(err)
	}
	return nil
}

// endsSoon is how long before a certificate expires the alarm is raised.
const endsSoon = 30 * 24 * time.Hour

// Conditions returns an alarm condition for each certificate that keeps a channel down, or will
// expire soon.
func (c *Channels) Conditions(now time.Time) (conditions []event.Condition) {
	for service, own := range c.credentials {
		detail := ""
		switch {
		case own.err != nil:
			detail = own.err.Error()
		case now.After(own.loaded.Expires().Add(-endsSoon)):
			detail = fmt.Sprintf("ssl policy %s: certificate %s ends on %s", own.policy.Name, own.policy.Files.Certificate, own.loaded.Expires().Format(time.RFC3339))
		default:
			continue
		}
		conditions = append(conditions, event.Condition{AlarmKind: event.CertificateEnds, Object: "ServiceName=" + service, Detail: detail})
	}
	return conditions
}
