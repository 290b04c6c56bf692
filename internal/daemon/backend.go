package daemon

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/config"
	"tandem/internal/daemon/settings"
	"tandem/internal/device"
	"tandem/internal/echo"
	"tandem/internal/event"
	"tandem/internal/linux/ping"
	"tandem/internal/mld"
	"tandem/internal/state"
)

// Apply brings the device to a configuration. When a part of it cannot be had,
// the one before is put back and the error says which part.
func (d *Daemon) Apply(m *config.Model) error { return d.apply(m, d.checkPolicies) }

func (d *Daemon) checkPolicies(m *config.Model) error {
	return d.channels.CheckPolicies(d.translate(m).Policies())
}

func (d *Daemon) translate(m *config.Model) settings.Translation {
	return settings.Translation{Model: m, Links: d.links, DeviceID: d.opts.DeviceID}
}

// Restore is Apply of what has been in force here before. A certificate that has ended since
// is then no reason to do nothing.
func (d *Daemon) Restore(m *config.Model) error {
	return d.apply(m, func(*config.Model) error { return nil })
}

func (d *Daemon) apply(m *config.Model, check func(*config.Model) error) error {
	var err error
	m = m.Clone()
	if stopped := d.call(func() {
		if err = check(m); err == nil {
			err = d.change(m)
		}
	}); stopped != nil {
		return stopped
	}
	return err
}

// change goes over to a configuration, or back.
func (d *Daemon) change(m *config.Model) error {
	before := d.model
	err := d.configure(m)
	if err != nil {
		if undo := d.configure(before); undo != nil {
			d.emit(event.ConfigurationNotRestored.With(undo))
		}
	}
	return err
}

// configure brings the world from whatever it is to a configuration. Parts that
// can fail come first.
func (d *Daemon) configure(m *config.Model) error {
	d.model = m
	t := d.translate(m)
	settings, err := t.Device()
	if err != nil {
		return err
	}
	if m.Multicast {
		if err := d.routing.Enable(); err != nil {
			return err
		}
	}
	if err := d.netif.Build(m); err != nil {
		return err
	}
	if err := d.hellos.Configure(t.Hellos()); err != nil {
		return err
	}
	if err := d.routing.SetInterfaces(d.translate(d.model).Multicast()); err != nil {
		return err
	}
	if err := d.netif.Activate(); err != nil {
		return err
	}
	if err := d.bfd.Configure(m); err != nil {
		return fmt.Errorf("BFD: %w", err)
	}
	changed := d.channels.UsePolicies(t.Policies())
	if err := d.configureDevice(settings); err != nil {
		return err
	}
	d.channels.Reconnect(changed)
	d.bfd.Follow()
	d.execute()
	if !m.Multicast {
		d.routing.Disable()
	}
	return nil
}

// configureDevice brings the device to its settings: for the first time from where
// another daemon has left it, if one has.
func (d *Daemon) configureDevice(settings device.Settings) error {
	left := d.legacy
	if left == nil {
		return d.device.Configure(d.now(), settings)
	}
	if err := d.device.Resume(d.now(), settings, &left.Device); err != nil {
		return err
	}
	d.execute()
	d.legacy = nil
	left.files.Close() // what the configuration does not want any more
	d.emit(event.TookOver.With(d.now().Round(time.Second)))
	return nil
}

// Snapshot returns what the displays show, empty once the daemon has stopped.
func (d *Daemon) Snapshot() state.Device {
	var s state.Device
	_ = d.call(func() { s = d.snapshot() })
	return s
}

// snapshot is Snapshot within a turn.
func (d *Daemon) snapshot() state.Device {
	s := state.Device{Snapshot: d.device.Snapshot(d.now(), time.Now())}
	s.Forwarding.Total, s.Forwarding.Silent = s.Entries, s.Silent
	d.routing.Describe(&s)
	return s
}

// Groups lists the groups of a downstream interface.
func (d *Daemon) Groups(iface string, _ bool) []mld.GroupState {
	var groups []mld.GroupState
	_ = d.call(func() { groups = d.device.Groups(d.now(), iface) })
	return groups
}

// Routes lists the forwarding entries with their counters.
func (d *Daemon) Routes() []state.Route {
	return d.routing.Counted(func() []device.RouteSnapshot { return d.device.Routes(d.now()) })
}

// Switchover hands over what this device sends on an E-Trunk, or takes it back.
func (d *Daemon) Switchover(id uint32, on bool) error {
	var err error
	if stopped := d.call(func() {
		if d.model.ETrunks[id] == nil {
			err = fmt.Errorf("e-trunk %d does not exist; known: %s", id, known(d.model.ETrunks))
			return
		}
		d.device.Handle(d.now(), device.Switchover{ETrunk: id, On: on})
	}); stopped != nil {
		return stopped
	}
	return err
}

// BatchBackup synchronises a remote backup service anew.
func (d *Daemon) BatchBackup(service string) error {
	var err error
	if stopped := d.call(func() {
		svc := d.model.Service(service)
		if svc == nil {
			err = fmt.Errorf("remote backup service %q does not exist; known: %s", service, known(d.model.Services))
			return
		}
		d.device.Handle(d.now(), device.BatchBackup{Service: svc.Name})
	}); stopped != nil {
		return stopped
	}
	return err
}

// BFD lists the configured BFD sessions, those too that do not run.
func (d *Daemon) BFD() []bfd.SessionState { return d.bfd.List() }

// BFDStatistics tells what is counted of BFD.
func (d *Daemon) BFDStatistics() bfd.Statistics { return d.bfd.Statistics() }

// Ping sends echo requests from the calling goroutine.
func (d *Daemon) Ping(ctx context.Context, r echo.Request, told func(echo.Reply)) error {
	if r.Interface != "" {
		if stopped := d.call(func() { r.Interface = d.links.Netdev(config.InterfaceName(r.Interface)) }); stopped != nil {
			return stopped
		}
	}
	return ping.Run(ctx, r, told)
}

// known lists the names of objects for an error text.
func known[K cmp.Ordered, V any](objects map[K]V) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		names = append(names, fmt.Sprint(name))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
