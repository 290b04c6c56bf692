package fibtest

import (
	"slices"
	"sync"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
)

// router is a router for tests: it wants what the test sets, and records what the plane
// reports. It implements [fib.Router] and, within a turn, [fib.Wanted].
type router struct {
	turn   sync.Mutex // guards everything that package fib protects by turns
	wanted map[device.SourceGroup]device.RouteChange
	noted  map[device.SourceGroup]bool // streams for which Audit was called

	mu      sync.Mutex
	answer  func(arrival) // answers a reported stream; nil does nothing
	arrived []arrival
	leaving map[string]fib.Leaving // the last report of each interface
	events  []string               // names of the events
	watched bool                   // the last report by StreamsWatched
	sights  []device.StreamSight   // reports since the last call of seen
}

// arrival is a stream that came in on an interface without a route.
type arrival struct {
	netdev string
	stream device.SourceGroup
}

func newRouter() *router {
	return &router{wanted: make(map[device.SourceGroup]device.RouteChange), leaving: make(map[string]fib.Leaving)}
}

// Turn implements [fib.Router].
func (r *router) Turn(f func(fib.Wanted)) bool {
	r.turn.Lock()
	defer r.turn.Unlock()
	f(r)
	return true
}

// StreamArrived implements [fib.Router].
func (r *router) StreamArrived(netdev string, stream device.SourceGroup) bool {
	r.mu.Lock()
	r.arrived = append(r.arrived, arrival{netdev, stream})
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		answer(arrival{netdev, stream})
	}
	return true
}

// StreamsSilent implements [fib.Router]. No test lasts as long as a stream must be silent.
func (r *router) StreamsSilent([]device.SourceGroup) bool { return true }

// LeavingChanged implements [fib.Router].
func (r *router) LeavingChanged(l fib.Leaving) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leaving[l.Netdev] = l
	return true
}

// StreamsWatched implements [fib.Router].
func (r *router) StreamsWatched(watched bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watched = watched
	return true
}

// StreamsSeen implements [fib.Router].
func (r *router) StreamsSeen(sights []device.StreamSight) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sights = append(r.sights, sights...)
	return true
}

// seen returns the reports about streams since its last call.
func (r *router) seen() (sights []device.StreamSight, watched bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sights, r.sights = r.sights, nil
	return sights, r.watched
}

// Emit implements [fib.Router].
func (r *router) Emit(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e.Name)
}

// answers makes the router answer every reported stream; nil ends that.
func (r *router) answers(answer func(arrival)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// arrivals lists the streams that arrived so far.
func (r *router) arrivals() []arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.arrived)
}

// emitted lists the events so far.
func (r *router) emitted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// want changes what is wanted.
func (r *router) want(c device.RouteChange) {
	stream := device.SourceGroup{Source: c.Source, Group: c.Group}
	if c.Delete {
		delete(r.wanted, stream)
	} else {
		r.wanted[stream] = c
	}
}

// Route implements [fib.Wanted].
func (r *router) Route(stream device.SourceGroup) (device.RouteChange, bool) {
	c, ok := r.wanted[stream]
	return c, ok
}

// BeginAudit implements [fib.Wanted].
func (r *router) BeginAudit() { r.noted = make(map[device.SourceGroup]bool) }

// Audit implements [fib.Wanted].
func (r *router) Audit(stream device.SourceGroup) (device.RouteChange, bool) {
	if r.noted != nil {
		r.noted[stream] = true
	}
	return r.Route(stream)
}

// Unaudited implements [fib.Wanted].
func (r *router) Unaudited() (list []device.SourceGroup) {
	for stream := range r.wanted {
		if !r.noted[stream] {
			list = append(list, stream)
		}
	}
	return list
}
