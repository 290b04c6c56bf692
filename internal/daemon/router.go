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
