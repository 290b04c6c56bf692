package fib

import (
	"context"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/inherit"
)

// Plane forwards multicast packets between interfaces. Only the goroutine that has the turn
// may call SetInterfaces, SetRoutes, SetGate, LookAt, State, Conditions and Close; see the
// package comment.
type Plane interface {
	// SetInterfaces replaces the interfaces between which the plane forwards. Each of
	// them exists. Routes may name other interfaces, which do not exist. When one of
	// these is created, the device sets such a route again. The error names the
	// interfaces that cannot be used. All others are used.
	SetInterfaces([]Interface) error
	// SetRoutes makes, changes and deletes routes. It returns how many of the made and
	// changed routes are in force now. A route whose incoming interface does not exist is
	// not in force. For any other failure the plane emits an event. The plane may use the
	// routes only until SetRoutes returns.
	SetRoutes([]device.RouteChange) (set int)
	// SetGate replaces the gate. The change is atomic: each packet meets either the old
	// gate or the new one. If the plane cannot make the change now, it emits an event,
	// keeps the old gate and tries again until it succeeds.
	SetGate(device.Gate)
	// LookAt makes the plane look at streams now. The plane answers with
	// [Router.StreamsSeen]. missed are streams of which packets have come to the peer and
	// not here, so the source has not paused. The plane may use the lists only until
	// LookAt returns.
	LookAt(look, missed []device.SourceGroup)
	// Counters returns the counters of streams, in the same order. They are zero for a
	// stream without a route. Any goroutine may call it. For many streams it takes a while.
	Counters([]device.SourceGroup) []Counters
	// State returns the state of the plane, for displays.
	State() State
	// Conditions lists the faults of the plane that hold now, for the alarms.
	Conditions() []event.Condition

	// Run reads the kernel's notices and repairs what other programs have changed. It
	// works until ctx ends or the plane is closed, and then returns nil. It is called
	// once.
	Run(ctx context.Context) error
	// HandOver returns what the successor's plane needs to go on without a lost packet
	// (graceful restart). Run must have ended. The plane goes on forwarding, but its
	// settings must not be changed any more.
	HandOver() (Checkpoint, error)
	// Close ends the plane: it forwards nothing any more, and the gate is removed. The
	// error says why the gate could not be removed.
	Close() error
}

// Interface is a network interface that exists.
type Interface struct {
	Name  string // Linux name
	Index int    // interface index of the kernel, above 0
	// Incoming means that streams may arrive on this interface. On other interfaces the
	// plane discards packets without a route and does not report them, however many there
	// are.
	Incoming bool
	// Refused are ports for which the device accepts no packets on this interface, because
	// they cannot come from the peer. A plane refuses them if it can. Its State shows
	// whether it has refused any.
	Refused []Port
}

// Port is a port number of a transport protocol.
type Port struct {
	Protocol uint8 // IPPROTO_UDP or IPPROTO_TCP
	Number   uint16
}

// Counters count the packets of one stream since its route was made.
type Counters struct {
	Packets, Bytes uint64 // packets that arrived, including those that the gate held back
	// WrongInterface counts the packets that arrived on another interface than the route's
	// incoming one. They are not forwarded.
	WrongInterface uint64
}

// State is the state of a plane, for displays.
type State struct {
	Gate    GateState
	Repairs Repairs
}

// GateState is the gate as it was last set, with its counters.
type GateState struct {
	Closed, Bucket0, Bucket1 []string // Linux names, see [device.Gate]
	Exceptions               int      // number of excepted streams
	// Packets that the gate has held back since it was last made, by the rule for their
	// outgoing interface.
	DroppedClosed, DroppedBucket0, DroppedBucket1 uint64
	DroppedControl                                uint64 // packets to refused ports
	Repairs                                       uint64 // how often another program had changed the gate
}

// Repairs counts changes by other programs that the plane has repaired.
type Repairs struct {
	Restored   uint64 // routes that another program had removed or changed
	Removed    uint64 // routes that another program had made
	Interfaces uint64 // interfaces that another program had removed
	Audits     uint64 // how often all routes were compared
}

// Checkpoint is what a plane hands over to the successor's plane. The zero value means
// that there was no plane. Only a plane of the same kind can use it.
type Checkpoint struct {
	State []byte        // in an encoding of the plane's own
	Files inherit.Files // open descriptors, under names that the plane chooses
}

// Open opens a plane of some kind. It forwards nothing before it gets interfaces and
// routes. With a checkpoint it goes on where the predecessor has ended, and does not use
// the given gate. Without a checkpoint, or if it cannot use it, it starts with no routes
// and the given gate. In any case it becomes the owner of the checkpoint's files. The plane
// uses the router until Run has ended.
type Open func(Router, device.Gate, Checkpoint) (Plane, error)
