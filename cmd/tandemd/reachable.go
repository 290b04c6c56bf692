package main

import (
	"errors"

	"tandem/internal/config"
	"tandem/internal/daemon"
	"tandem/internal/manage/sshd"
)

// reachable is a device together with its SSH server: both have the same configuration.
type reachable struct {
	*daemon.Daemon
	ssh   *sshd.Server
	store *config.Store
}

// Apply makes both use a configuration. After an error both use the previous one.
func (r *reachable) Apply(m *config.Model) error {
	if err := r.ssh.Apply(m); err != nil {
		return err
	}
	if err := r.Daemon.Apply(m); err != nil {
		return errors.Join(err, r.ssh.Apply(r.store.Running()))
	}
	return nil
}

// start makes both use the configuration with which a daemon starts. Forwarding does not
// wait until the SSH server listens.
func (r *reachable) start() error {
	r.ssh.Start(r.store.Running())
	return r.Daemon.Restore(r.store.Running())
}
