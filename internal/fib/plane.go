package fib

import (
	"context"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/inherit"
)

// Plane forwards multicast packets between interfaces. SetInterfaces, SetRoutes,
// SetGate, LookAt, State, Conditions and Close are for whoever has the turn; see the package comment.
type Plane interface {
	// SetInterfaces tells all interfaces between which the plane is to forward, in
	// place of those that were told before. Each of them exists. Routes may name
	// others: those do not exist, and the device gives such a route again when they
	// do. The error says which interfaces cannot be used; all others are.
	SetInterfaces([]Interface) error
	// SetRoutes makes, changes and deletes routes. It returns how many of those that
	// were to be made or changed are in force now. A route whose incoming interface
	// does not exist is not; what fails otherwise is told as an event. The routes are
	// valid until SetRoutes returns.
	SetRoutes([]device.RouteChange) (set int)
	// SetGate replaces the permission to send. The change is atomic: each packet meets
	// the old gate or the new one. If the plane cannot make it now, it tells that as an
	// event, keeps the old gate meanwhile and tries again until it can.
	SetGate(device.Gate)
	// LookAt has streams looked at now, which is answered by [Router.StreamsSeen]. Of the missed ones the
	// peer had packets that did not come here: their pause is not the source's. The lists are valid until
	// LookAt returns.
	LookAt(look, missed []device.SourceGroup)
	// Counters returns the counters of streams, in the same order: zero for a stream that
	// has no route. It may be called from any goroutine and takes a while for many.
	Counters([]device.SourceGroup) []Counters
	// State describes the plane for displays.
	State() State
	// Conditions lists what is wrong with the plane now, for the alarms.
	Conditions() []event.Condition

	// Run reads what the plane hears, and keeps what it has set as it was set. It works
	// until ctx ends or the plane is closed and then returns nil. It is called once.
	Run(ctx context.Context) error
	// HandOver returns what the plane of a successor needs to go on without a packet lost
	// (graceful restart). Run must have ended. The plane goes on forwarding, but is told
	// nothing any more.
	HandOver() (Checkpoint, error)
	// Close ends the plane. Nothing is forwarded any more and the gate is gone, or the
	// error says why it is not.
	Close() error
}

// Interface is a network interface that exists.
type Interface struct {
	Name  string // Linux name
	Index int    // of the kernel, above 0
	// Incoming says that streams may come in here. What comes in elsewhere and has no route
	// is thrown away and not told, however much it is.
	Incoming bool
	// Refused are ports of which the device takes nothing that comes in here: it cannot be
	// of the peer. A plane refuses what it can; whether any does, its State tells.
	Refused []Port
}

// Port is a port of a transport protocol.
type Port struct {
	Protocol uint8 // IPPROTO_UDP or IPPROTO_TCP
	Number   uint16
}

// Counters are what has been forwarded of one stream since its route was made.
type Counters struct {
	Packets, Bytes uint64 // that came in, also where the gate held them back
	// WrongInterface counts the packets that came in elsewhere than on the route's
	// incoming interface. They are not forwarded.
	WrongInterface uint64
}

// State is what a plane tells of itself.
type State struct {
	Gate    GateState
	Repairs Repairs
}

// GateState is the gate as the plane was last told it, and what became of it.
type GateState struct {
	Closed, Bucket0, Bucket1 []string // Linux names, see [device.Gate]
	Exceptions               int      // streams
	// Packets that were held back, since the gate was last made, by what the gate lets
	// pass on their outgoing interface.
	DroppedClosed, DroppedBucket0, DroppedBucket1 uint64
	DroppedControl                                uint64 // packets to refused ports
	Repairs                                       uint64 // how often somebody else had changed the gate
}

// Repairs counts what others had changed and the plane has put right.
type Repairs struct {
	Restored   uint64 // routes that were removed or changed
	Removed    uint64 // routes that were made
	Interfaces uint64 // interfaces that were taken out
	Audits     uint64 // comparisons of all routes
}

// Checkpoint is what a plane leaves to the plane of the successor. The zero value is that
// of no plane. Only a plane of the same kind can use it.
type Checkpoint struct {
	State []byte        // in an encoding that only the plane knows
	Files inherit.Files // open descriptors, under names of the plane's own
}

// Open opens a plane of some kind. It forwards nothing before it is told interfaces and
// routes. With the checkpoint of a predecessor it goes on where that has ended, and the
// given gate does not count. Without, or if it cannot use the checkpoint, it begins with
// no routes and the given gate. In any case it takes over the files of the checkpoint.
// The plane needs the router until Run has ended.
type Open func(Router, device.Gate, Checkpoint) (Plane, error)
