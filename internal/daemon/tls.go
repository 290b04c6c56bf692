package daemon

import (
	"fmt"
	"time"

	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/pki"
)

// loadCredentials reads the files of every SSL policy that a service is bound to.
func loadCredentials(m *config.Model) (map[string]*pki.Credentials, error) {
	credentials := make(map[string]*pki.Credentials)
	for name, service := range m.Services {
		if service.SSLPolicy == "" {
			continue
		}
		p := m.SSLPolicy(service.SSLPolicy)
		if p == nil {
			return nil, fmt.Errorf("remote-backup-service %s: unknown ssl policy %s", name, service.SSLPolicy)
		}
		c, err := pki.Load(pki.Files{CA: p.CA, Certificate: p.Certificate, Key: p.Key}, time.Now())
		if err != nil {
			return nil, fmt.Errorf("ssl policy %s: %w", p.Name, err)
		}
		credentials[name] = c
	}
	return credentials, nil
}

// useCredentials takes new credentials for the connections to come and lists the
// services for which they have changed.
func (d *Daemon) useCredentials(credentials map[string]*pki.Credentials) (changed []string) {
	for name := range d.channels {
		if !d.credentials[name].Same(credentials[name]) {
			changed = append(changed, name)
		}
	}
	d.credentials = credentials
	return changed
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
