package daemon

import (
	"fmt"
	"time"

	"tandem/internal/config"
	"tandem/internal/daemon/multicast"
	"tandem/internal/daemon/settings"
	"tandem/internal/device"
	"tandem/internal/event"
)

// planes gives the kind of forwarding plane for each name in the configuration.
var planes = map[config.ForwardingPlane]*multicast.PlaneKind{
	config.KernelPlane: multicast.KernelPlane, config.EBPFPlane: multicast.EBPFPlane,
}

func (o *owners) translate(m *config.Model) settings.Translation {
	return settings.Translation{Model: m, Links: o.links, DeviceID: o.opts.DeviceID, Certificate: o.opts.Certificate.Fingerprint()}
}

// withdraw makes the members hand over that a configuration would keep from serving.
func (o *owners) withdraw(m *config.Model) error {
	settings, err := o.translate(m).Device()
	if err != nil {
		return err
	}
	if members := o.router.Loses(settings); len(members) > 0 {
		o.router.Handle(device.Withdraw{Members: members})
	}
	return nil
}

// change replaces the configuration. If part of it fails, change restores the old one and
// returns an error that names the part. For patient see configure.
func (o *owners) change(m *config.Model, patient bool) error {
	before := o.model
	err := o.configure(m, patient)
	if err != nil {
		o.router.Handle(device.Withdraw{}) // no members: this ends the hand-over
		if undo := o.configure(before, true); undo != nil {
			o.opts.Journal.Emit(event.ConfigurationNotRestored.With(undo))
		}
	}
	return err
}

// configure makes everything agree with a configuration, from any earlier state. The
// steps that can fail come first. If patient is set, a port for hellos that is in use is no
// failure: the configuration was in force before.
func (o *owners) configure(m *config.Model, patient bool) error {
	o.model = m
	t := o.translate(m)
	settings, err := t.Device()
	if err != nil {
		return err
	}
	if m.Multicast {
		if err := o.routing.Enable(planes[m.Plane()]); err != nil {
			return err
		}
	}
	if err := o.netif.Build(m); err != nil {
		return err
	}
	if err := o.hellos.Configure(t.Hellos(), patient); err != nil {
		return err
	}
	if err := o.routing.SetInterfaces(t.Multicast()); err != nil {
		return err
	}
	if err := o.netif.Activate(); err != nil {
		return err
	}
	if err := o.bfd.Configure(m); err != nil {
		return fmt.Errorf("BFD: %w", err)
	}
	changed := o.channels.UsePolicies(t.Policies())
	if err := o.configureDevice(settings); err != nil {
		return err
	}
	o.channels.Reconnect(changed)
	o.bfd.Follow()
	o.execute()
	if !m.Multicast {
		o.routing.Disable()
	}
	return nil
}

// configureDevice applies the settings of the device. The first time it also gives the device
// the state of the predecessor, if there is one.
func (o *owners) configureDevice(settings device.Settings) error {
	left := o.predecessor
	if !left.exists() {
		return o.router.Configure(settings)
	}
	if err := o.router.Resume(settings, &left.Device); err != nil {
		return err
	}
	o.execute()
	left.forget() // the new configuration does not use what is left of the predecessor's files
	o.opts.Journal.Emit(event.TookOver.With(o.router.now().SinceOrigin().Round(time.Second)))
	return nil
}
