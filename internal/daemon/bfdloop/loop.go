package bfdloop

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/bfd"
)

// Event is a change of state of a session.
type Event = bfd.Event

// ErrClosed is returned by calls after Close.
var ErrClosed = errors.New("bfd loop is closed")

// Options are set once, at Start.
type Options struct {
	// Origin is the time that every reading handed out is counted from; it must have
	// a monotonic reading. The zero value takes the time of Start.
	Origin time.Time
	// Seed makes the jitter; zero takes a random one.
	Seed uint64
	// OnThread, when not nil, is run on the loop's own thread before it opens
	// anything: a way into another network namespace.
	OnThread func() error
}

// Status is what the loop says of itself.
type Status struct {
	// Priority is what the thread got, PriorityError why it is not the best there is.
	Priority      Priority
	PriorityError error
	// MaxLate is the longest that a packet or an expiry was dealt with after its time
	// since Start, Late how often it was more than LateLimit.
	MaxLate time.Duration
	Late    uint64
	// Wakeups counts the loop's turns, SendErrors the packets that the kernel refused,
	// ReceiveErrors failed reads; LastError is the latest reason of either.
	Wakeups, SendErrors, ReceiveErrors uint64
	LastError                          error
	// Coalesced counts events that a newer one of the same session replaced because
	// nobody had read them.
	Coalesced uint64
	Counters  bfd.Counters
}

// LateLimit is the lateness from which a turn counts as late: a part of the default
// interval that the other side's detection time does not forgive three times.
const LateLimit = 5 * time.Millisecond

// Loop is a running loop. Its methods may be called from any goroutine.
type Loop struct {
	events   chan Event
	commands mailbox
	wake     int           // an eventfd that ends the wait
	stopped  chan struct{} // closed when the thread has ended

	closing sync.Mutex // held by senders to wake, so that it is not closed under them
	closed  atomic.Bool
}

// eventQueue is how many events wait for a reader before those of a session are
// put together.
const eventQueue = 256

// Start starts a loop without sessions. The error is that of Options.OnThread, or
// of a kernel that is out of descriptors.
func Start(o Options) (*Loop, error) {
	if o.Origin.IsZero() {
		o.Origin = time.Now()
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("bfd loop: eventfd: %w", err)
	}
	l := &Loop{events: make(chan Event, eventQueue), wake: wake, stopped: make(chan struct{})}
	started := make(chan error, 1)
	go l.run(o, started)
	if err := <-started; err != nil {
		unix.Close(wake)
		return nil, fmt.Errorf("bfd loop: %w", err)
	}
	return l, nil
}

// run is the loop's goroutine. It never gives its thread back: the thread has a
// priority, and perhaps a network namespace, that no other goroutine may inherit.
func (l *Loop) run(o Options, started chan<- error) {
	runtime.LockOSThread()
	if o.OnThread != nil {
		if err := o.OnThread(); err != nil {
			started <- err
			return
		}
	}
	w := newWorker(l, o)
	w.status.Priority, w.status.PriorityError = raisePriority()
	started <- nil
	for !w.done {
		w.turn()
	}
	w.close()
	close(l.events)
	close(l.stopped)
}

// Configure makes the sessions those of cfgs. Sessions that keep their addresses,
// interface and discriminators keep their state. The error is a *bfd.ConfigError, or
// a *udp.OpenError where a port is taken by another program, and nothing has changed.
func (l *Loop) Configure(cfgs []bfd.Config) error {
	var err error
	if closed := l.call(func(w *worker) { err = w.configure(cfgs) }); closed != nil {
		return closed
	}
	return err
}

// SetLink tells of an interface by its Linux name: its index, zero when it does not
// exist, and whether it can carry packets. Sessions wait for interfaces that have
// not been told of. It does not wait for the loop.
func (l *Loop) SetLink(name string, index int, up bool) {
	l.post(&command{run: func(w *worker) { w.table.SetLink(w.now(), name, index, up, &w.fx) }})
}

// Events is where changes of state are told; Close closes it. A reader that is slow
// misses intermediate states of a session, never the last one.
func (l *Loop) Events() <-chan Event { return l.events }

// Snapshot returns the state of every session, sorted by name; none after Close.
func (l *Loop) Snapshot() []bfd.SessionState {
	var states []bfd.SessionState
	_ = l.call(func(w *worker) { states = w.table.Snapshot(w.now(), nil) })
	return states
}

// Status returns what the loop says of itself; the zero value after Close.
func (l *Loop) Status() Status {
	var s Status
	_ = l.call(func(w *worker) { s = w.status; s.Counters = w.table.Counters() })
	return s
}

// Close ends the sessions and tells their peers at once that this device is going,
// so that they need not wait for their detection time.
func (l *Loop) Close() error {
	l.post(&command{run: func(w *worker) { w.done = true }})
	<-l.stopped
	l.closing.Lock()
	defer l.closing.Unlock()
	if l.closed.Swap(true) {
		return ErrClosed
	}
	return unix.Close(l.wake)
}

// call has the loop run f and waits for it.
func (l *Loop) call(f func(*worker)) error {
	done := make(chan struct{})
	l.post(&command{run: f, done: done})
	select {
	case <-done:
		return nil
	case <-l.stopped:
	}
	select {
	case <-done: // in the last turn
		return nil
	default:
		return ErrClosed
	}
}

func (l *Loop) post(c *command) {
	l.commands.put(c)
	l.closing.Lock()
	defer l.closing.Unlock()
	if !l.closed.Load() {
		one := [8]byte{1} // of either byte order: any value but zero wakes
		_, _ = unix.Write(l.wake, one[:])
	}
}

// RecommendedProcs is a value for runtime.GOMAXPROCS in a process that runs a Loop
// on so many processors (see the package comment).
func RecommendedProcs(cpus int) int { return 4*cpus + 8 }
