package multicast

import (
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
)

// router is the routing as the plane and the MLD socket use it. In turns they report what
// they receive and read what is wanted. It implements [fib.Router] and [mldio.Router].
type router struct{ *Routing }

// Turn implements [fib.Router].
func (r router) Turn(f func(fib.Wanted)) bool {
	return r.o.Loop.Call(func() { f(r.o.Device) }) == nil
}

// StreamArrived implements [fib.Router].
func (r router) StreamArrived(netdev string, stream device.SourceGroup) bool {
	return r.tell(device.StreamArrived{Netdev: netdev, Source: stream.Source, Group: stream.Group})
}

// StreamsSilent implements [fib.Router].
func (r router) StreamsSilent(streams []device.SourceGroup) bool {
	return r.tell(device.StreamsSilent{Streams: streams})
}

// LeavingChanged implements [fib.Router].
func (r router) LeavingChanged(l fib.Leaving) bool {
	return r.o.Loop.Turn(func() { r.leavingChanged(l) }) == nil
}

// StreamsWatched implements [fib.Router].
func (r router) StreamsWatched(watched bool) bool { return r.tell(device.StreamsWatched{On: watched}) }

// StreamsSeen implements [fib.Router].
func (r router) StreamsSeen(streams []device.StreamSight) bool {
	return r.tell(device.StreamsSeen{Streams: streams})
}

func (r router) tell(ev device.Event) bool {
	return r.o.Loop.Turn(func() { r.o.Device.Handle(ev) }) == nil
}

// Receive implements [mldio.Router].
func (r router) Receive(events []device.Event, readAt time.Time) bool {
	return r.o.Loop.Turn(func() {
		r.o.Device.HandleAll(events)
		r.reportsAt = readAt
	}) == nil
}

// Name implements [mldio.Router].
func (r router) Name(index int) string { return r.o.Links.Name(index) }

// Emit implements [fib.Router] and [mldio.Router].
func (r router) Emit(e event.Event) { r.o.Emit(e) }
