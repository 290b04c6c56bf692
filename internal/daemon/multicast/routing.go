package multicast

import (
	"errors"
	"slices"
	"time"

	"tandem/internal/daemon/eventloop"
	"tandem/internal/daemon/mldio"
	"tandem/internal/daemon/netif"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/fib/ebpf"
	"tandem/internal/fib/kernel"
	"tandem/internal/latency"
	"tandem/internal/linux/inherit"
	"tandem/internal/task"
)

// Device is the part of the device that the routing uses, within a turn: it receives
// reports and says which routes it wants.
type Device interface {
	fib.Wanted
	Handle(device.Event)
	// HandleAll is Handle for events of the same moment. The device does not keep the
	// slice.
	HandleAll([]device.Event)
}

// Options are what the routing needs from outside.
type Options struct {
	Loop   *eventloop.Loop
	Device Device
	// Emit sends an event to the log. It is called from any goroutine.
	Emit  func(event.Event)
	Links *netif.Links
	// Changed is called in a turn when the Lack of an interface, by its Linux name, has changed.
	Changed func(netdev string)
	// Readers is the group of the reading goroutines. They end when the group ends; by
	// then they have passed on all that they have read.
	Readers *task.Group
	// Inherited returns the checkpoint of a predecessor's routing, and its files. The
	// routing removes those that it uses from the list. The values are zero if there is
	// no predecessor.
	Inherited func() (Checkpoint, *inherit.Files)
}

// Checkpoint is the state that the routing leaves to its successor, besides files.
type Checkpoint struct {
	Plane  []byte // see [fib.Checkpoint]
	Joined []int  // indexes of the interfaces on which the MLD socket receives
}

// PlaneKind is a kind of forwarding plane.
type PlaneKind struct {
	name string // for displays and errors
	open fib.Open
	// able returns why this kernel cannot have such a plane, as far as that can be found
	// out before the plane is opened.
	able func() error
}

// Forwarding planes.
var (
	KernelPlane = &PlaneKind{name: "kernel", open: kernel.Open, able: func() error { return nil }}
	EBPFPlane   = &PlaneKind{name: "ebpf", open: ebpf.Open, able: ebpf.Able}
)

// planeFiles are the names of the files that planes of any kind hand over.
var planeFiles = slices.Concat(kernel.FileNames, ebpf.FileNames)

// formerMLDFile is the name under which older programs handed over their raw MLD socket.
// This program takes it, so that it is closed.
const formerMLDFile = "mld"

// HandedOn are the names of the files that the routing hands to a successor, including those of
// older programs.
var HandedOn = slices.Concat(planeFiles, mldio.FileNames, []string{formerMLDFile})

// Routing is multicast routing, enabled or not. Only the caller who has the turn may use its
// methods, unless they say otherwise.
type Routing struct {
	o     Options
	plane fib.Plane     // nil if routing is not enabled
	kind  *PlaneKind    // the kind of the plane
	mld   *mldio.Socket // nil if routing is not enabled
	gate  device.Gate   // the last gate that the device has set
	told  []fib.Interface
	// dropped gives, by an interface's Linux name, the cause why packets do not leave it.
	dropped map[string]string
	// refused holds the messages that the kernel has refused to send, by the interface's
	// Linux name.
	refused map[string]device.SendMLD
	// reportsAt is when the reports were read that cause the next routes; zero for none.
	// It serves to measure the time of a join.
	reportsAt time.Time
	joins     latency.Histogram
}

// New returns routing that is not enabled.
func New(o Options) *Routing { return &Routing{o: o} }

// Enable opens a plane of some kind and the socket, or takes over those of a predecessor.
// If routing is enabled already, it changes to a plane of that kind.
func (r *Routing) Enable(kind *PlaneKind) error {
	if r.plane != nil {
		return r.changePlane(kind)
	}
	left, files := r.o.Inherited()
	plane, err := kind.open(router{r}, r.gate, fib.Checkpoint{State: left.Plane, Files: take(files, planeFiles...)})
	if err != nil {
		return err
	}
	mld, err := r.openMLD(take(files, mldio.FileNames...), left.Joined)
	if err != nil {
		return errors.Join(err, plane.Close())
	}
	r.use(plane, kind)
	r.mld, r.refused = mld, make(map[string]device.SendMLD)
	r.o.Readers.Go("MLD", mld.Run)
	r.o.Readers.Go("MLD memberships", mld.Tend)
	return nil
}

// use makes the routing use a plane from now on.
func (r *Routing) use(plane fib.Plane, kind *PlaneKind) {
	r.plane, r.kind, r.dropped = plane, kind, make(map[string]string)
	r.o.Readers.Go("forwarding plane", plane.Run)
}

// take removes the files with some names from a collection and returns them.
func take(from *inherit.Files, names ...string) (files inherit.Files) {
	if from == nil {
		return nil
	}
	for _, name := range names {
		for _, f := range from.All(name) {
			files = append(files, inherit.File{Name: name, File: f})
		}
	}
	return files
}

// openMLD takes over the socket of a predecessor if possible. Otherwise it opens one.
func (r *Routing) openMLD(files inherit.Files, joined []int) (*mldio.Socket, error) {
	if len(files) > 0 {
		if mld, err := mldio.Adopt(router{r}, files, joined); err == nil {
			return mld, nil
		}
	}
	return mldio.Open(router{r})
}

// Disable closes what Enable has opened. Then its readers end.
func (r *Routing) Disable() {
	if r.plane == nil {
		return
	}
	r.mld.Close()
	if err := r.plane.Close(); err != nil {
		r.o.Emit(event.GateNotRemoved.With(err))
	}
	r.plane, r.mld = nil, nil
	r.forget()
}

// HandOver returns the state and the files for a successor. The readers must have ended
// before. The plane goes on forwarding.
func (r *Routing) HandOver() (left Checkpoint, files inherit.Files, err error) {
	if r.plane == nil {
		return left, nil, nil
	}
	plane, err := r.plane.HandOver()
	if err != nil {
		return left, nil, err
	}
	heard, joined := r.mld.HandOver()
	return Checkpoint{plane.State, joined}, append(plane.Files, heard...), nil
}
