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
	"tandem/internal/fib/kernel"
	"tandem/internal/latency"
	"tandem/internal/linux/inherit"
	"tandem/internal/task"
)

// Device is told, within a turn, what is received, and is asked what is wanted.
type Device interface {
	fib.Wanted
	Handle(device.Event)
	// HandleAll is Handle for events of the same moment. It does not keep the events.
	HandleAll([]device.Event)
}

// Options are what the routing needs from outside.
type Options struct {
	Loop   *eventloop.Loop
	Device Device
	// Emit tells people of an event. It is called from any goroutine.
	Emit  func(event.Event)
	Links *netif.Links
	// Changed is called in a turn when the Lack of an interface, by its Linux name, has changed.
	Changed func(netdev string)
	// Readers has the reading goroutines. They end when it ends; by then they have told all
	// that they have read.
	Readers *task.Group
	// Inherited returns the checkpoint of a predecessor's routing, and its files, of which the
	// routing takes some. It returns zero values if there is no predecessor.
	Inherited func() (Checkpoint, *inherit.Files)
}

// Checkpoint is the state that the routing leaves to its successor, beside files.
type Checkpoint struct {
	Plane  []byte // see [fib.Checkpoint]
	Joined []int  // interface indexes, of the MLD socket
}

// openPlane opens the forwarding plane.
var openPlane fib.Open = kernel.Open

// formerMLDFile is the file name under which older programs, which received MLD with a raw
// socket, handed that socket on. Nobody uses it.
const formerMLDFile = "mld"

// HandedOn are the names of the files that the routing hands to a successor, including those of
// older programs.
var HandedOn = slices.Concat(kernel.FileNames, mldio.FileNames, []string{formerMLDFile})

// Routing is multicast routing, enabled or not. Only the caller who has the turn may use its
// methods, unless they say otherwise.
type Routing struct {
	o     Options
	plane fib.Plane     // nil while routing is not enabled
	mld   *mldio.Socket // likewise
	gate  device.Gate   // the last one that the device has set
	// dropped says why packets do not leave an interface, by its Linux name.
	dropped map[string]string
	// refused are the messages that the kernel has refused to send, by the interface's Linux name.
	refused map[string]device.SendMLD
	// reportsAt is the time at which the reports were read that cause the next routes; zero for
	// none.
	reportsAt time.Time
	joins     latency.Histogram
}

// New returns routing that is not enabled.
func New(o Options) *Routing { return &Routing{o: o} }

// Enable opens the plane and the socket, or takes over those of a predecessor. It does nothing
// if routing is already enabled.
func (r *Routing) Enable() error {
	if r.plane != nil {
		return nil
	}
	left, files := r.o.Inherited()
	plane, err := openPlane(router{r}, r.gate, fib.Checkpoint{State: left.Plane, Files: take(files, kernel.FileNames...)})
	if err != nil {
		return err
	}
	mld, err := r.openMLD(take(files, mldio.FileNames...), left.Joined)
	if err != nil {
		return errors.Join(err, plane.Close())
	}
	r.plane, r.mld, r.dropped, r.refused = plane, mld, make(map[string]string), make(map[string]device.SendMLD)
	r.o.Readers.Go("forwarding plane", plane.Run)
	r.o.Readers.Go("MLD", mld.Run)
	r.o.Readers.Go("MLD memberships", mld.Tend)
	return nil
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

// HandOver returns the state and the files for a successor. The readers must have ended. The
// plane goes on forwarding.
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
