package fib

import (
	"tandem/internal/device"
	"tandem/internal/event"
)

// Router decides what a plane forwards. Any goroutine may call its methods, except from
// within the methods of a plane that need the turn.
type Router interface {
	// Turn runs f while the wanted state cannot change. Afterwards it carries out
	// everything that follows. It returns false, without running f, when there are no turns
	// any more. The plane has nothing left to do then.
	Turn(f func(Wanted)) bool
	// StreamArrived reports, in a turn of its own, a packet that matches no route, and
	// the Linux name of the interface on which it arrived. Streams may arrive on this
	// [Interface]. The router mostly answers with a route, or a route without outgoing
	// interfaces, so that the plane does not report the stream again. If there is no
	// answer and the stream goes on, the plane soon reports it again. It returns false
	// when there are no turns any more.
	StreamArrived(netdev string, stream device.SourceGroup) bool
	// StreamsSilent reports, in a turn of its own, routes that no packet has used for
	// [device.KeepAlive]. The list may contain any routes, because the device decides
	// which of them to drop. It returns false when there are no turns any more.
	StreamsSilent(streams []device.SourceGroup) bool
	// LeavingChanged reports, in a turn of its own, that most packets forwarded out of an
	// interface no longer leave, or leave again, or that the cause has changed. It returns
	// false when there are no turns any more.
	LeavingChanged(Leaving) bool
	// StreamsWatched reports, in a turn of its own, whether the plane from now on reports
	// which of its streams arrive. It returns false when there are no turns any more.
	StreamsWatched(bool) bool
	// StreamsSeen reports, in a turn of its own, routed streams that have begun to flow
	// or have become silent, and those that LookAt has named ([Plane.LookAt]). A stream
	// flows as long as it pauses no longer than is usual for it. The list is valid until
	// StreamsSeen returns. It returns false when there are no turns any more.
	StreamsSeen([]device.StreamSight) bool
	// Emit sends an event to the log.
	Emit(event.Event)
}

// Leaving says whether packets that are forwarded out of an interface really leave. Packets
// that the gate holds back count too: they prove the way to the gate.
type Leaving struct {
	Netdev  string // Linux name of the interface
	Lacking bool   // most packets do not leave the interface, see [proof.Leaving]
	// Cause is the name of another program's chain that drops them, if known; otherwise
	// empty.
	Cause string
}

// Wanted says, within a turn, which routes the device wants. A comparison of all routes
// takes many turns, while both sides change:
//
//	BeginAudit, Audit of every route that the plane has, Unaudited
type Wanted interface {
	// Route returns the wanted route of a stream, or false if none is wanted. The route's
	// incoming interface is empty while it has none.
	Route(device.SourceGroup) (device.RouteChange, bool)
	// BeginAudit begins a comparison.
	BeginAudit()
	// Audit does the same as Route, and records that the plane has a route for the
	// stream.
	Audit(device.SourceGroup) (device.RouteChange, bool)
	// Unaudited lists the wanted routes for which, since BeginAudit, Audit was not called
	// and which were not made.
	Unaudited() []device.SourceGroup
}
