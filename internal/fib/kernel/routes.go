package kernel

import (
	"errors"
	"slices"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/linux/mroute"
)

// SetRoutes implements [fib.Plane].
func (p *Plane) SetRoutes(changes []device.RouteChange) (set int) {
	last, noted := translation{route: &p.route}, false
	for i := range changes {
		c := &changes[i]
		done, err := p.setRoute(c, &last)
		if done {
			set++
		}
		if err != nil {
			p.router.Emit(event.RouteNotSet.With(c.Source, c.Group, c.Delete, err))
		}
		noted = p.watchArrival(c) || noted
	}
	if noted {
		p.arriving.rouse()
	}
	return set
}

// watchArrival watches the arrival of a stream as long as it has a route with an outgoing
// interface. It returns true if the looking goroutine must still begin or end the watch.
func (p *Plane) watchArrival(c *device.RouteChange) bool {
	from := 0
	if !c.Delete && len(c.Outgoing) > 0 {
		from = p.interfaces.attached[c.Incoming]
	}
	return p.arriving.note(device.SourceGroup{Source: c.Source, Group: c.Group}, from, !c.Delete)
}

// LookAt implements [fib.Plane].
func (p *Plane) LookAt(look, missed []device.SourceGroup) { p.arriving.ask(look, missed) }

// translation is a route in the kernel's form. The plane keeps the last one, because the
// next route mostly has the same interfaces.
type translation struct {
	of    device.RouteChange
	route *mroute.Route
	fits  bool // the incoming interface is in the kernel's table
}

// setRoute makes, changes or deletes one route, and reports whether it is in force.
func (p *Plane) setRoute(c *device.RouteChange, last *translation) (bool, error) {
	if c.Delete {
		err := p.table.Delete(c.Source, c.Group)
		if errors.Is(err, mroute.ErrNoRoute) {
			err = nil // another program has already removed it
		}
		return false, err
	}
	if last.of.Incoming != c.Incoming || !slices.Equal(last.of.Outgoing, c.Outgoing) {
		last.of, last.fits = *c, p.translate(c, last.route)
	}
	if !last.fits {
		return false, nil
	}
	last.route.Source, last.route.Group = c.Source, c.Group
	err := p.table.Set(*last.route)
	return err == nil, err
}

// translate converts a route into the kernel's form. It leaves out outgoing interfaces
// that are not in the kernel's table, and returns false if the incoming interface is not
// in it.
func (p *Plane) translate(c *device.RouteChange, r *mroute.Route) bool {
	r.Source, r.Group, r.Upstream, r.Outgoing = c.Source, c.Group, p.interfaces.attached[c.Incoming], r.Outgoing[:0]
	for _, name := range c.Outgoing {
		if index, ok := p.interfaces.attached[name]; ok {
			r.Outgoing = append(r.Outgoing, index)
		}
	}
	return r.Upstream != 0
}

// Counters implements [fib.Plane]. It asks the kernel for each stream, which takes a
// microsecond. Listing the whole table would take at least as long, and several times as
// long for 100,000 routes.
func (p *Plane) Counters(streams []device.SourceGroup) []fib.Counters {
	list := make([]fib.Counters, len(streams))
	for i, s := range streams {
		if c, err := p.table.Counters(s.Source, s.Group); err == nil { // an error means that the stream has no route any more
			list[i] = fib.Counters{Packets: c.Packets, Bytes: c.Bytes, WrongInterface: c.WrongIf}
		}
	}
	return list
}
