package daemon

import (
	"net/netip"
	"time"

	"tandem/internal/device"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/tape"
)

// router is the device with a clock: each method calls the device's method with the current
// time. Only the goroutine that has the turn may use it.
type router struct {
	*tape.Device
	origin time.Time // the zero point of the device's time
}

// now returns the device's time: the time since the daemon started, or since the first of a
// chain of graceful restarts.
func (r *router) now() instant.Time { return instant.FromOrigin(time.Since(r.origin)) }

// Handle passes an event to the device.
func (r *router) Handle(ev device.Event) { r.Device.Handle(r.now(), ev) }

// HandleAll passes events to the device that happened at the same moment.
func (r *router) HandleAll(events []device.Event) {
	now := r.now()
	for _, ev := range events {
		r.Device.Handle(now, ev)
	}
}

// Effects returns the effects since the last call.
func (r *router) Effects() *device.Effects { return r.Device.Effects(r.now()) }

// due returns when the device next has work to do, the zero Time if it has none.
func (r *router) due() time.Time {
	if at := r.Deadline(); at.IsSet() {
		return r.origin.Add(at.SinceOrigin())
	}
	return time.Time{}
}

// advance lets the device do the work that is due.
func (r *router) advance(now time.Time) { r.Advance(instant.FromOrigin(now.Sub(r.origin))) }

// Configure applies new settings to the device.
func (r *router) Configure(s device.Settings) error { return r.Device.Configure(r.now(), s) }

// Resume gives a new device the state of its predecessor, and its settings.
func (r *router) Resume(s device.Settings, cp *device.Checkpoint) error {
	return r.Device.Resume(r.now(), s, cp)
}

// Checkpoint copies the state of the device for a successor.
func (r *router) Checkpoint() device.Checkpoint { return r.Device.Checkpoint(r.now()) }

// Recording returns a copy of the latest inputs of the device.
func (r *router) Recording() tape.Recording { return r.Device.Recording(r.now()) }

// Snapshot returns a copy of the data that the displays show.
func (r *router) Snapshot() device.Snapshot { return r.Device.Snapshot(r.now(), time.Now()) }

// Groups lists the groups of a downstream interface.
func (r *router) Groups(iface string) []mld.GroupState { return r.Device.Groups(r.now(), iface) }

// Group returns the state of a group on a downstream interface, and false if no listener
// wants the group.
func (r *router) Group(iface string, group netip.Addr) (mld.GroupState, bool) {
	return r.Device.Group(r.now(), iface, group)
}

// GroupRoutes lists the forwarding entries of a group.
func (r *router) GroupRoutes(group netip.Addr) []device.RouteSnapshot {
	return r.Device.GroupRoutes(r.now(), group)
}

// Listens reports whether a host wants a group on a downstream interface.
func (r *router) Listens(iface string, group, host netip.Addr) bool {
	return r.Device.Listens(r.now(), iface, group, host)
}

// Routes lists the forwarding entries.
func (r *router) Routes() []device.RouteSnapshot { return r.Device.Routes(r.now()) }
