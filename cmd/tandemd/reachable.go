package main

import (
	"errors"

	"tandem/internal/config"
	"tandem/internal/daemon"
	"tandem/internal/manage/sshd"
)

// reachable is a device together with its SSH server: a configuration is that of
// both, or of neither.
type reachable struct {
	*daemon.Daemon
	ssh   *sshd.Server
	store *config.Store
}

// Apply brings both to a configuration. After an error both run the one before.
func (r *reachable) Apply(m *config.Model) error {
	if err := r.ssh.Apply(m); err != nil {
		return err
	}
	if err := r.Daemon.Apply(m); err != nil {
		return errors.Join(err, r.ssh.Apply(r.store.Running()))
	}
	return nil
}

// start brings both to the configuration that a daemon starts with. The streams do
// not wait for the SSH server.
func (r *reachable) start() error {
	r.ssh.Start(r.store.Running())
	return r.Daemon.Restore(r.store.Running())
}
