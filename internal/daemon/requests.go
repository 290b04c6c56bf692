package daemon

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/echo"
	"tandem/internal/linux/ping"
	"tandem/internal/tape"
	"tandem/internal/task"
)

// request runs f in a turn and returns its error, or ErrEnded if there are no turns any more.
func (d *Daemon) request(f func() error) error {
	var err error
	if stopped := d.o.loop.Call(func() { err = f() }); stopped != nil {
		return stopped
	}
	return err
}

// Apply puts a configuration into force. If part of it fails, Apply restores the configuration
// before it and returns an error that names the part.
func (d *Daemon) Apply(m *config.Model) error {
	m = m.Clone()
	err := d.request(func() error {
		if err := d.o.channels.CheckPolicies(d.o.translate(m).Policies()); err != nil {
			return err
		}
		return d.o.withdraw(m)
	})
	if err != nil {
		return err
	}
	d.awaitWithdrawn()
	return d.request(func() error { return d.o.change(m, false) })
}

const (
	// withdrawLimit bounds how long a change of the configuration waits for the peer to take over.
	withdrawLimit = 2 * time.Second
	withdrawPoll  = 2 * time.Millisecond
)

// awaitWithdrawn waits until the peer sends the streams that the new configuration keeps
// this device from sending.
func (d *Daemon) awaitWithdrawn() {
	for end := time.Now().Add(withdrawLimit); time.Now().Before(end); {
		over := true
		if d.o.loop.Call(func() { over = d.o.router.Withdrawn() }) != nil || over || !task.Pause(context.Background(), withdrawPoll) {
			return
		}
	}
}

// Restore does the same as Apply for a configuration that was in force before. It does
// not fail because a certificate has expired in the meantime.
func (d *Daemon) Restore(m *config.Model) error {
	m = m.Clone()
	return d.request(func() error { return d.o.change(m, true) })
}

// Switchover hands everything that this device sends on an E-Trunk to the peer, or ends
// that. An unknown E-Trunk is an error.
func (d *Daemon) Switchover(id uint32, on bool) error {
	return d.request(func() error {
		if d.o.model.ETrunks[id] == nil {
			return fmt.Errorf("e-trunk %d does not exist; known: %s", id, known(d.o.model.ETrunks))
		}
		d.o.router.Handle(device.Switchover{ETrunk: id, On: on})
		return nil
	})
}

// resetSlice is how many groups are reset in one turn of the event loop, so that the
// queries are sent in small bursts.
const resetSlice = 64

// ResetGroups queries the hosts of a downstream interface and forgets those that do not
// answer. It resets one group, or all groups if group is the zero Addr.
func (d *Daemon) ResetGroups(iface string, group netip.Addr) error {
	groups := []netip.Addr{group}
	if !group.IsValid() {
		groups = d.GroupNames(iface)
	}
	for some := range slices.Chunk(groups, resetSlice) {
		if err := d.request(func() error {
			d.o.router.Handle(device.ResetGroups{Interface: iface, Groups: some})
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// BatchBackup starts a new synchronisation of a remote backup service. An unknown service
// is an error.
func (d *Daemon) BatchBackup(service string) error {
	return d.request(func() error {
		svc := d.o.model.Service(service)
		if svc == nil {
			return fmt.Errorf("remote backup service %q does not exist; known: %s", service, known(d.o.model.Services))
		}
		d.o.router.Handle(device.BatchBackup{Service: svc.Name})
		return nil
	})
}

// Ping sends echo requests from the calling goroutine.
func (d *Daemon) Ping(ctx context.Context, r echo.Request, told func(echo.Reply)) error {
	if r.Interface != "" {
		stopped := d.o.loop.Call(func() { r.Interface = d.o.links.Netdev(config.InterfaceName(r.Interface)) })
		if stopped != nil {
			return stopped
		}
	}
	return ping.Run(ctx, r, told)
}

// Record writes the recording of the latest inputs of the device, without secrets.
func (d *Daemon) Record(w io.Writer) error {
	var r tape.Recording
	if stopped := d.o.loop.Call(func() { r = d.o.router.Recording() }); stopped != nil {
		return stopped
	}
	return r.Write(w)
}
