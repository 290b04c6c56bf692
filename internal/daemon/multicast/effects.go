package multicast

import (
	"errors"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/state"
)

// Interfaces are the multicast interfaces, by Linux name.
type Interfaces struct {
	Names    []string // all multicast interfaces
	Upstream string   // the upstream interface, empty for none
	// Guarded are the interfaces on which packets to the ports of Control are refused.
	Guarded []string
	Control []fib.Port
}

// SetInterfaces sets the multicast interfaces. The plane forwards packets from the
// upstream interface, if there is one, to the others that exist. MLD messages are
// received on all of them.
func (r *Routing) SetInterfaces(all Interfaces) error {
	if r.plane == nil {
		return nil
	}
	var interfaces []fib.Interface
	var indexes []int
	for _, netdev := range all.Names {
		if link := r.o.Links.Get(netdev); link.Exists {
			told := fib.Interface{Name: link.Name, Index: link.Index, Incoming: netdev == all.Upstream}
			if slices.Contains(all.Guarded, netdev) {
				told.Refused = all.Control
			}
			interfaces = append(interfaces, told)
			indexes = append(indexes, link.Index)
		}
	}
	r.told = interfaces
	return errors.Join(r.plane.SetInterfaces(interfaces), r.mld.SetInterfaces(indexes))
}

// SetRoutes passes changes of routes to the plane.
func (r *Routing) SetRoutes(changes []device.RouteChange) {
	if r.plane == nil {
		return
	}
	if len(changes) > 0 {
		joined := r.plane.SetRoutes(changes)
		if joined > 0 && !r.reportsAt.IsZero() {
			r.joins.Observe(time.Since(r.reportsAt), joined)
		}
	}
	r.reportsAt = time.Time{}
}

// SetGate sets the gate of the plane, at once or when routing is enabled.
func (r *Routing) SetGate(g device.Gate) {
	r.gate = g
	if r.plane != nil {
		r.plane.SetGate(g)
	}
}

// LookAt makes the plane look at streams now, and passes on which streams have come to
// the peer and not here.
func (r *Routing) LookAt(look, missed []device.SourceGroup) {
	if r.plane != nil {
		r.plane.LookAt(look, missed)
	}
}

// SendMLD sends a message from the link-local address of its interface. It sends nothing if the
// interface is gone or has no such address yet.
func (r *Routing) SendMLD(m device.SendMLD) {
	link := r.o.Links.Get(m.Netdev)
	if r.plane == nil || !link.Exists || !link.LinkLocal.IsValid() {
		return
	}
	r.noteSent(m, r.mld.Send(m, link.Index, link.LinkLocal))
}

// Conditions returns the alarm conditions that hold now.
func (r *Routing) Conditions() []event.Condition {
	if r.plane == nil {
		return nil
	}
	return append(r.plane.Conditions(), r.droppedConditions()...)
}

// Describe sets the parts of s that describe the plane and the MLD socket.
func (r *Routing) Describe(s *state.Device) {
	s.Joins = r.joins
	if r.plane == nil {
		return
	}
	told := r.plane.State()
	g := &told.Gate
	s.Gate = state.Gate{
		Installed: true, Stale: len(r.plane.Conditions()) > 0,
		Closed: g.Closed, Bucket0: g.Bucket0, Bucket1: g.Bucket1, Orphans: g.Exceptions,
		DroppedClosed: g.DroppedClosed, DroppedBucket0: g.DroppedBucket0, DroppedBucket1: g.DroppedBucket1, DroppedControl: g.DroppedControl,
		Repairs: g.Repairs,
	}
	s.Forwarding.Repairs = state.Repairs(told.Repairs)
	s.Socket = state.MLDSocket(r.mld.Counters())
}

// Counted returns the entries that list returns, with the plane's counters. It calls list in a
// turn and reads the counters outside of it. The caller must not have the turn.
func (r *Routing) Counted(list func() []device.RouteSnapshot) []state.Route {
	var entries []device.RouteSnapshot
	var plane fib.Plane
	_ = r.o.Loop.Call(func() { entries, plane = list(), r.plane }) // after an error there are no entries
	routes := make([]state.Route, len(entries))
	streams := make([]device.SourceGroup, len(entries))
	for i, e := range entries {
		routes[i] = state.RouteOf(e)
		streams[i] = device.SourceGroup{Source: e.Source, Group: e.Group}
	}
	if plane == nil {
		return routes
	}
	for i, c := range plane.Counters(streams) {
		routes[i].Packets, routes[i].Bytes, routes[i].WrongIf = c.Packets, c.Bytes, c.WrongInterface
	}
	return routes
}
