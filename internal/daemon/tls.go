package daemon

import (
	"fmt"
	"time"

	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/pki"
)

// trust is what a service shows to its peer, and whom it believes.
type trust struct {
	policy      string
	files       pki.Files
	credentials *pki.Credentials // nil while the files are of no use
	err         error            // why
}

// load reads the files. What was good enough stays when they no longer are: the peer judges it.
func (t *trust) load() {
	c, err := pki.Load(t.files, time.Now())
	if t.err = nil; err != nil {
		t.err = fmt.Errorf("ssl policy %s: %w", t.policy, err)
	}
	if c != nil || t.credentials == nil {
		t.credentials = c
	}
}

// newTrust reads the files of every SSL policy that a service is bound to. One that is in force
// already goes on with what it has if they have become unusable.
func (d *Daemon) newTrust(m *config.Model) map[string]*trust {
	all := make(map[string]*trust)
	for name, service := range m.Services {
		p := m.SSLPolicy(service.SSLPolicy)
		if p == nil {
			continue
		}
		t := &trust{policy: p.Name, files: pki.Files{CA: p.CA, Certificate: p.Certificate, Key: p.Key}}
		if old := d.trust[name]; old != nil && old.files == t.files {
			t.credentials = old.credentials
		}
		t.load()
		all[name] = t
	}
	return all
}

// checkTrust refuses a policy that is of no use, unless it is in force: time has passed since
// it was committed, and no other change is to wait for a new certificate.
func (d *Daemon) checkTrust(m *config.Model) error {
	for name, t := range d.newTrust(m) {
		if old := d.trust[name]; t.err != nil && (old == nil || old.files != t.files) {
			return t.err
		}
	}
	return nil
}

// useTrust is for the connections to come. It lists the services for which it has changed.
func (d *Daemon) useTrust(all map[string]*trust) (changed []string) {
	of := func(t *trust) *pki.Credentials {
		if t == nil {
			return nil
		}
		return t.credentials
	}
	for name := range d.channels {
		if !of(d.trust[name]).Same(of(all[name])) {
			changed = append(changed, name)
		}
	}
	for name, t := range all {
		if t.err != nil {
			d.emit(event.RBSChannelEvent.With(name, "not usable", t.err))
		}
	}
	d.trust = all
	return changed
}

// credentials are those of a service now, nil for a connection in clear. Files that were of no
// use may be of use by now: somebody has renewed them, or has set the clock.
func (d *Daemon) credentials(service string) (*pki.Credentials, error) {
	t := d.trust[service]
	if t == nil {
		return nil, nil
	}
	if t.credentials == nil {
		t.load()
	}
	if t.credentials == nil {
		return nil, t.err
	}
	return t.credentials, nil
}

// endsSoon is how long before its end a certificate is an alarm.
const endsSoon = 30 * 24 * time.Hour

// certificatesThatEnd are those with which a channel does not come up, or soon will not.
func (d *Daemon) certificatesThatEnd(now time.Time) (conditions []event.Condition) {
	for service, t := range d.trust {
		detail := ""
		switch {
		case t.err != nil:
			detail = t.err.Error()
		case now.After(t.credentials.Expires().Add(-endsSoon)):
			detail = fmt.Sprintf("ssl policy %s: certificate %s ends on %s", t.policy, t.files.Certificate, t.credentials.Expires().Format(time.RFC3339))
		default:
			continue
		}
		conditions = append(conditions, event.Condition{AlarmKind: event.CertificateEnds, Object: "ServiceName=" + service, Detail: detail})
	}
	return conditions
}

// endConnections ends those that were made with other credentials.
func (d *Daemon) endConnections(services []string) {
	for _, name := range services {
		ch := d.channels[name]
		for id := range ch.conns {
			ch.closeConn(id, nil)
			d.device.Handle(d.now(), device.ChannelClosed{Service: name, Conn: id, Reason: "the SSL policy has changed"})
		}
	}
}
