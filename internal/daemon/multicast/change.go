package multicast

import (
	"errors"
	"fmt"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
)

// changePlane replaces the plane if the new one is of another kind. No two planes forward
// at the same time, so no packet is forwarded from the end of the old plane until the new
// one has the routes. After an error there is a plane of the old kind.
func (r *Routing) changePlane(kind *PlaneKind) error {
	before := r.kind
	if kind == before {
		return nil
	}
	if err := kind.able(); err != nil {
		return fmt.Errorf("forwarding plane %s: %w", kind.name, err)
	}
	if err := r.plane.Close(); err != nil {
		r.o.Emit(event.GateNotRemoved.With(err))
	}
	err := r.reopen(kind)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("forwarding plane %s: %w", kind.name, err)
	if again := r.reopen(before); again != nil {
		r.mld.Close()
		r.plane, r.mld = nil, nil
		return errors.Join(err, again)
	}
	return err
}

// reopen opens a plane in place of one that was closed, and gives it the same interfaces,
// routes and gate.
func (r *Routing) reopen(kind *PlaneKind) error {
	plane, err := kind.open(router{r}, r.gate, fib.Checkpoint{})
	if err != nil {
		return err
	}
	r.use(plane, kind)
	if err := plane.SetInterfaces(r.told); err != nil {
		r.o.Emit(event.InterfaceNotConfigured.With(err))
	}
	var routes []device.RouteChange
	r.o.Device.BeginAudit()
	for _, stream := range r.o.Device.Unaudited() {
		if route, wanted := r.o.Device.Route(stream); wanted {
			routes = append(routes, route)
		}
	}
	plane.SetRoutes(routes)
	return nil
}
