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

// Policy is the SSL policy of a service: it is to speak TLS, with these files.
type Policy struct {
	Name  string
	Files pki.Files
}

// credentials are what a service shows to its peer, and whom it believes.
type credentials struct {
	policy Policy
	loaded *pki.Credentials // nil while the files have never been of use
	err    error            // why the files are of no use now
}

// load reads the files. What was good enough stays when they no longer are: the peer judges it.
func (c *credentials) load() {
	loaded, err := pki.Load(c.policy.Files, time.Now())
	if c.err = nil; err != nil {
		c.err = fmt.Errorf("ssl policy %s: %w", c.policy.Name, err)
	}
	if loaded != nil || c.loaded == nil {
		c.loaded = loaded
	}
}

// load reads the files of the policies, which are by service. A policy that is in force already
// goes on with what it has if its files have become unusable.
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

// inForce reports whether a service has the files of a policy already.
func (c *Channels) inForce(service string, policy Policy) bool {
	own := c.credentials[service]
	return own != nil && own.policy.Files == policy.Files
}

// CheckPolicies refuses a policy of which the files are of no use, unless it is in force: time has
// passed since it was committed, and no other change is to wait for a new certificate. Policies
// are by service; a service without one speaks in clear.
func (c *Channels) CheckPolicies(policies map[string]Policy) error {
	for service, own := range c.load(policies) {
		if own.err != nil && !c.inForce(service, own.policy) {
			return own.err
		}
	}
	return nil
}

// UsePolicies puts policies in force for the connections to come. It lists the services that have
// connections with other credentials, see [Channels.Reconnect].
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

// usable returns the credentials of a service now, nil for a connection in clear. Files that were
// of no use may be of use by now: somebody has renewed them, or has set the clock.
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

// handshakeTimeout bounds how long it takes to agree on TLS.
const handshakeTimeout = 2 * time.Second

// handshake agrees on TLS within a bounded time.
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

// endsSoon is how long before its end a certificate is an alarm.
const endsSoon = 30 * 24 * time.Hour

// Conditions lists the certificates with which a channel does not come up, or soon will not.
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
