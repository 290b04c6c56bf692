package kernel

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"tandem/internal/device"
	"tandem/internal/fib"
	"tandem/internal/linux/arrivals"
	"tandem/internal/linux/clock"
	"tandem/internal/linux/mroute"
	"tandem/internal/proof"
)

const (
	// lookInterval is the time between two looks at the arriving streams.
	lookInterval = 10 * time.Millisecond
	// lookRest is how many times the processor time of a look the plane waits before the
	// next one, at least. So looking takes at most 3 % of a processor, even if each
	// stream needs a system call.
	lookRest = 32
	// watchAtOnce limits how many streams are added to or removed from the watch between
	// two looks.
	watchAtOnce = 4096
	// warmLooks is the number of looks after which the flowing streams are known.
	warmLooks = 12
	// foundAtOnce limits how many streams with arriving packets are looked up in the
	// forwarding table between two looks. It bounds the cost of streams without a route.
	foundAtOnce = 256
	// mostWatched bounds the streams that are watched.
	mostWatched = 1 << 18
)

// openBPF opens the preferred observer, which uses BPF. Tests replace it.
var openBPF = arrivals.Open

// observer counts the arriving packets of streams. It is an [arrivals.Observer], or a
// countingTable.
type observer interface {
	Watch(ifindex int) error
	Unwatch(ifindex int)
	Add([]arrivals.Stream) ([]arrivals.Slot, error)
	Remove(arrivals.Stream, arrivals.Slot) error
	At(arrivals.Slot) (packets uint64, last time.Duration)
	Close()
}

// finder is an observer that also finds the unobserved streams whose packets arrive. With
// it only streams that flow are watched, and a route without packets costs nothing. See
// [arrivals.Observer.Unobserved].
type finder interface {
	Unobserved(most int, found func(arrivals.Stream))
}

// arriving watches which of the routed streams arrive, and reports that to the router. A
// turn only notes the streams to watch. The looking goroutine begins and ends their watch
// between two looks.
type arriving struct {
	router fib.Router
	table  *mroute.Table // the kernel's forwarding table, which says whether a found stream has a route

	mu       sync.Mutex                   // protects noted, and protects slots against changes
	noted    map[device.SourceGroup]noted // whether each of these streams is to be watched
	order    []device.SourceGroup         // the keys of noted, in order
	unwanted map[device.SourceGroup]bool  // routes without an outgoing interface; empty without a finder
	asked    []device.SourceGroup
	missed   []device.SourceGroup
	incoming []int
	running  bool
	wake     chan struct{} // the stream of each slot

	finder   finder   // nil if every routed stream is watched
	observer observer // the looking goroutine uses its counts, the goroutine with the turn its interfaces
	unable   error    // why BPF cannot be used, nil if it is used

	// Only the goroutine that looks at the counters (run) uses the fields from here on.
	slots   map[device.SourceGroup]place
	streams []device.SourceGroup // indexed by slot
	watch   proof.Watch
	warm    int  // number of looks since all streams that were noted at the start are being watched
	blind   bool // some stream could not be watched, so the router is told that no streams are watched
	told    bool // the router has been told that streams are watched
	sights  []device.StreamSight
}

// place is where a stream is observed.
type place struct {
	slot    arrivals.Slot
	ifindex int
}

// newArriving prepares the watch in the thread's network namespace. Without BPF it uses the
// counters of the table.
func newArriving(router fib.Router, table *mroute.Table) *arriving {
	a := &arriving{
		router: router, table: table, noted: make(map[device.SourceGroup]noted), unwanted: make(map[device.SourceGroup]bool),
		slots: make(map[device.SourceGroup]place), wake: make(chan struct{}, 1),
	}
	if o, err := openBPF(mostWatched); err == nil {
		a.observer, a.finder = o, o
	} else {
		a.observer, a.unable = &countingTable{table: table}, err
	}
	return a
}

// setIncoming sets the interfaces on which streams arrive.
func (a *arriving) setIncoming(indexes []int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, index := range a.incoming {
		if !slices.Contains(indexes, index) {
			a.observer.Unwatch(index)
		}
	}
	var errs []error
	for _, index := range indexes {
		errs = append(errs, a.observer.Watch(index))
	}
	a.incoming = indexes
	return errors.Join(errs...)
}

// noted says whether a stream is to be watched.
type noted struct {
	ifindex int  // its incoming interface, 0 if the stream is no longer to be watched
	anew    bool // in the meantime the stream was not to be watched, so its watch must begin again
}

// note records that a stream is to be watched on its incoming interface, or, with ifindex
// 0, that it is no longer to be watched. hasRoute says that the forwarding table has a
// route for the stream nevertheless. note returns true if the looking goroutine must
// begin or end the watch.
func (a *arriving) note(stream device.SourceGroup, ifindex int, hasRoute bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.finder != nil {
		if hasRoute && ifindex == 0 {
			a.unwanted[stream] = true
		} else if len(a.unwanted) > 0 {
			delete(a.unwanted, stream)
		}
		if at, watched := a.slots[stream]; !watched || at.ifindex == ifindex {
			return false
		}
	}
	before, already := a.noted[stream]
	if !already {
		a.order = append(a.order, stream)
	}
	a.noted[stream] = noted{ifindex, before.anew || ifindex == 0}
	return true
}

// ask makes the looking goroutine look at some streams now. missed are streams of which
// packets have come to the peer and not here.
func (a *arriving) ask(look, missed []device.SourceGroup) {
	a.mu.Lock()
	a.asked, a.missed = append(a.asked, look...), append(a.missed, missed...)
	a.mu.Unlock()
	a.rouse()
}

// rouse makes the looking goroutine look now.
func (a *arriving) rouse() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run looks until ctx ends.
func (a *arriving) run(ctx context.Context) error {
	a.mu.Lock()
	a.running = true
	a.mu.Unlock()
	defer a.close(true)
	timer := time.NewTimer(lookInterval)
	defer timer.Stop()
	next := clock.Monotonic()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.wake:
		case <-timer.C:
		}
		began := clock.Monotonic()
		idle := a.follow()
		if began >= next {
			worked := clock.Worked(func() { // a look that waited for a processor does not delay the next one
				a.find()
				a.look(began)
			})
			if idle || a.warm > 0 {
				a.warm++
			}
			next = began + max(lookInterval, lookRest*worked)
		}
		a.answer()
		if !a.tell() {
			return nil
		}
		if a.finder == nil && idle && a.watch.Len() == 0 && a.told {
			timer.Reset(time.Hour) // until wake is signalled
		} else {
			timer.Reset(max(0, next-clock.Monotonic()))
		}
	}
}

// close ends the observation. Run calls it when it ends; Close of the plane calls it if run
// never started.
func (a *arriving) close(ran bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running == ran {
		a.observer.Close()
		a.running = false
	}
}
