package kernel

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"tandem/internal/device"
	"tandem/internal/fib"
	"tandem/internal/instant"
	"tandem/internal/linux/arrivals"
	"tandem/internal/linux/clock"
	"tandem/internal/linux/mroute"
	"tandem/internal/proof"
)

const (
	// lookInterval is the time between two looks at the arriving streams.
	lookInterval = 10 * time.Millisecond
	// lookRest: after a look, the next one waits at least lookRest times as long as the
	// look took. So the looks take at most 3 % of a processor, also where each stream needs
	// a system call.
	lookRest = 32
	// watchAtOnce limits how many streams are added to or removed from the watch between
	// two looks.
	watchAtOnce = 4096
	// warmLooks is after how many looks the streams that flow are known.
	warmLooks = 12
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

// arriving watches which of the routed streams arrive, and reports that to the router.
// Turns only note what is wanted. The looking goroutine carries it out between two looks.
type arriving struct {
	router fib.Router

	mu       sync.Mutex                   // of what is noted
	noted    map[device.SourceGroup]noted // what is to become of a stream
	order    []device.SourceGroup         // of noted
	asked    []device.SourceGroup
	missed   []device.SourceGroup
	incoming []int
	running  bool
	wake     chan struct{} // wakes the looking goroutine; has room for one

	observer observer // the looking goroutine uses its counts, the goroutine with the turn its interfaces
	unable   error    // why BPF cannot be used, nil if it is used

	// Used by the looking goroutine only.
	slots   map[device.SourceGroup]place
	streams []device.SourceGroup // by slot
	watch   proof.Watch
	warm    int  // looks since all that was noted first is watched
	blind   bool // some stream could not be watched, so the router is told that nothing is
	told    bool // the router knows that streams are watched
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
		router: router, noted: make(map[device.SourceGroup]noted), slots: make(map[device.SourceGroup]place), wake: make(chan struct{}, 1),
	}
	if o, err := openBPF(mostWatched); err == nil {
		a.observer = o
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

// noted is what is to become of a stream.
type noted struct {
	ifindex int  // by which it is to come in, 0 for one that is of no interest
	anew    bool // it was of no interest meanwhile
}

// note notes that a stream is to come in by an interface, or with 0 that it is of no interest.
func (a *arriving) note(stream device.SourceGroup, ifindex int) {
	a.mu.Lock()
	before, already := a.noted[stream]
	if !already {
		a.order = append(a.order, stream)
	}
	a.noted[stream] = noted{ifindex, before.anew || ifindex == 0}
	a.mu.Unlock()
}

// ask makes the goroutine look at some streams now. It also notes streams whose packets the
// peer had and this device had not.
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
			a.look(began)
			if idle || a.warm > 0 {
				a.warm++
			}
			next = began + max(lookInterval, lookRest*(clock.Monotonic()-began))
		}
		a.answer()
		if !a.tell() {
			return nil
		}
		if idle && a.watch.Len() == 0 && a.told {
			timer.Reset(time.Hour) // until it is woken
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

// follow adds and removes watched streams that wait for it, watchAtOnce at most. It returns
// true when none waits any more.
func (a *arriving) follow() bool {
	var add []arrivals.Stream
	a.mu.Lock()
	some := min(watchAtOnce, len(a.order))
	batch := slices.Clone(a.order[:some])
	wanted := make([]noted, some)
	for i, s := range batch {
		wanted[i] = a.noted[s]
		delete(a.noted, s)
	}
	a.order = a.order[some:]
	left := len(a.order)
	a.mu.Unlock()
	for i, s := range batch {
		at, watched := a.slots[s]
		if watched && at.ifindex == wanted[i].ifindex && !wanted[i].anew {
			continue
		}
		if watched {
			a.forget(s, at)
		}
		if wanted[i].ifindex != 0 {
			add = append(add, arrivals.Stream{Source: s.Source, Group: s.Group, Interface: wanted[i].ifindex})
		}
	}
	a.begin(add)
	return left == 0
}

// begin begins to watch streams.
func (a *arriving) begin(streams []arrivals.Stream) {
	if len(streams) == 0 {
		return
	}
	slots, err := a.observer.Add(streams)
	if err != nil {
		a.blind = true
		return
	}
	for i, s := range streams {
		slot := slots[i]
		if more := int(slot) + 1 - len(a.streams); more > 0 {
			a.streams = append(a.streams, make([]device.SourceGroup, more)...)
		}
		stream := device.SourceGroup{Source: s.Source, Group: s.Group}
		a.streams[slot], a.slots[stream] = stream, place{slot, s.Interface}
		a.watch.Add(uint32(slot))
	}
}

// forget ends the watch of a stream.
func (a *arriving) forget(s device.SourceGroup, at place) {
	a.watch.Remove(uint32(at.slot))
	delete(a.slots, s)
	_ = a.observer.Remove(arrivals.Stream{Source: s.Source, Group: s.Group, Interface: at.ifindex}, at.slot) // cannot fail: the stream was observed
}

// look looks at all streams, and notes those that have begun to flow or have become silent.
func (a *arriving) look(now time.Duration) {
	a.watch.Look(instant.FromOrigin(now), a.read, a.see)
}

// answer looks at the streams that ask has named.
func (a *arriving) answer() {
	a.mu.Lock()
	asked, missed := a.asked, a.missed
	a.asked, a.missed = nil, nil
	a.mu.Unlock()
	for _, s := range missed {
		if at, watched := a.slots[s]; watched {
			a.watch.Of(uint32(at.slot)).Missed()
		}
	}
	for _, s := range asked {
		if at, watched := a.slots[s]; watched {
			slot := uint32(at.slot)
			a.watch.LookAt(instant.FromOrigin(clock.Monotonic()), slot, a.read, a.see)
			a.see(slot, a.watch.Of(slot).Flowing())
		}
	}
}

func (a *arriving) read(slot uint32) proof.Reading {
	packets, last := a.observer.At(arrivals.Slot(slot))
	if last == 0 {
		return proof.Reading{Packets: packets}
	}
	return proof.Reading{Packets: packets, Last: instant.FromOrigin(last)}
}

// see adds the state of a stream to the next report.
func (a *arriving) see(slot uint32, flowing bool) {
	now := instant.FromOrigin(clock.Monotonic())
	s := a.watch.Of(slot).Sight()
	a.sights = append(a.sights, device.StreamSight{
		SourceGroup: a.streams[slot], Flows: flowing, Packets: s.Packets,
		Age: now.Sub(s.Last), Pause: s.Pause, PauseAge: now.Sub(s.PauseEnd),
	})
}

// tell reports to the router what was seen. It returns false when the router gives no turns
// any more.
func (a *arriving) tell() bool {
	if watching := !a.blind && a.warm >= warmLooks; watching != a.told {
		a.told = watching
		if !a.router.StreamsWatched(watching) {
			return false
		}
	}
	if len(a.sights) == 0 {
		return true
	}
	more := a.router.StreamsSeen(a.sights)
	a.sights = a.sights[:0]
	return more
}
