package daemon

import (
	"time"

	"tandem/internal/device"
	"tandem/internal/tape"
)

// router is the device with the daemon's clock. It is what the owners of sockets tell of
// what happens; it belongs to whoever has the turn.
type router struct {
	*tape.Device
	origin time.Time // of the device's time
}

// now is the monotonic time since the daemon, or the first that handed over to it, began.
func (r *router) now() time.Duration { return time.Since(r.origin) }

// Handle tells the device of an event that happens now.
func (r *router) Handle(ev device.Event) { r.Device.Handle(r.now(), ev) }

// HandleAll tells the device of events that happen now, at the same moment.
func (r *router) HandleAll(events []device.Event) {
	now := r.now()
	for _, ev := range events {
		r.Device.Handle(now, ev)
	}
}
