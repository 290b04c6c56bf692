package fib

import (
	"tandem/internal/device"
	"tandem/internal/event"
)

// Router is whoever decides what a plane forwards. Its methods may be called from any
// goroutine, but not by the methods of a plane that are for whoever has the turn.
type Router interface {
	// Turn runs f while what is wanted cannot change, and then has everything carried out
	// that came of it. It returns false, and does not run f, when there are no turns any
	// more: the plane has nothing left to do then.
	Turn(f func(Wanted)) bool
	// StreamArrived tells, in a turn of its own, of a packet that no route matches and of
	// the Linux name of the interface where it came in, which is an [Interface] where streams
	// may. The answer is mostly a route, or one without outgoing interfaces so that the
	// plane does not tell it again. A stream without an answer is told again soon when it
	// still comes. It returns false when there are no turns any more.
	StreamArrived(netdev string, stream device.SourceGroup) bool
	// StreamsSilent tells, in a turn of its own, of routes that no packet has used for
	// [device.KeepAlive]. It may name any: the device knows which to drop. It returns
	// false when there are no turns any more.
	StreamsSilent(streams []device.SourceGroup) bool
	// LeavingChanged tells, in a turn of its own, that most of the packets that are to leave by
	// an interface no longer do, or do again, or that others may be the cause. It returns
	// false when there are no turns any more.
	LeavingChanged(Leaving) bool
	// StreamsWatched tells, in a turn of its own, that the plane tells from now on which of its streams come
	// in, or that it cannot any more. It returns false when there are no turns any more.
	StreamsWatched(bool) bool
	// StreamsSeen tells, in a turn of its own, of routed streams that have begun to flow or have fallen silent, and
	// of those that were asked for ([Plane.LookAt]). A stream flows as long as it pauses no longer than is usual
	// for it. The list is valid until StreamsSeen returns, which returns false when there are no turns any more.
	StreamsSeen([]device.StreamSight) bool
	// Emit tells people of an event.
	Emit(event.Event)
}

// Leaving tells whether packets that are to leave by an interface do so. Those that the gate
// holds back count as well, as far as they come to the gate.
type Leaving struct {
	Netdev  string // Linux name
	Lacking bool   // most do not, see [proof.Leaving]
	// Cause names what other program drops them, as far as that can be found; empty if not.
	Cause string
}

// Wanted answers what is to be forwarded, within a turn. A comparison of all routes
// goes over many turns, while both sides change:
//
//	BeginAudit, Audit of every route that the plane has, Unaudited
type Wanted interface {
	// Route returns the route that is wanted for a stream, false when none is. Its
	// incoming interface is empty while there is none.
	Route(device.SourceGroup) (device.RouteChange, bool)
	// BeginAudit begins a comparison.
	BeginAudit()
	// Audit is Route, and notes that the plane has a route for the stream.
	Audit(device.SourceGroup) (device.RouteChange, bool)
	// Unaudited lists the wanted routes that have been neither noted nor made since
	// BeginAudit.
	Unaudited() []device.SourceGroup
}
