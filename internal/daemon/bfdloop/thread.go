package bfdloop

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/bfd"
	"tandem/internal/linux/sched"
	"tandem/internal/task"
)

// thread is a loop on a thread of this process. Its methods may be called from any
// goroutine.
type thread struct {
	o        Options
	parent   int           // a socket, or noParent
	ready    chan struct{} // closed when the loop runs
	out      chan Event
	commands mailbox
	wake     int           // an eventfd that ends the wait of the loop
	stopped  chan struct{} // closed when the thread has ended

	closing sync.Mutex // held while wake is written, so that it is not closed during that
	closed  atomic.Bool
}

// noParent is the parent of a loop that no other process uses.
const noParent = -1

// startThread starts a loop without sessions. A parent other than noParent is a socket: then
// the loop gets real-time priority, and it ends when the other end of the socket is closed. It
// returns the error of Options.OnThread, or an error if the kernel has no free descriptors.
func startThread(o Options, parent int, tasks *task.Group) (*thread, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("bfd loop: eventfd: %w", err)
	}
	l := &thread{o: o, parent: parent, wake: wake,
		ready: make(chan struct{}), out: make(chan Event, eventQueue), stopped: make(chan struct{})}
	if err := tasks.Start("BFD loop", l); err != nil {
		unix.Close(wake)
		return nil, fmt.Errorf("bfd loop: %w", err)
	}
	tasks.Go("BFD steal", l.watchSteal)
	return l, nil
}

// Ready implements [task.Task].
func (l *thread) Ready() <-chan struct{} { return l.ready }

// Run runs the loop until close. It never releases its thread, because no other goroutine may
// inherit the thread's priority and network namespace.
func (l *thread) Run(context.Context) error {
	runtime.LockOSThread()
	if l.o.OnThread != nil {
		if err := l.o.OnThread(); err != nil {
			return err
		}
	}
	w := newWorker(l, l.o, l.parent)
	w.status.Priority, w.status.PriorityNote = raisePriority(l.parent != noParent)
	close(l.ready)
	for !w.done {
		w.turn()
	}
	w.close()
	close(l.out)
	close(l.stopped)
	return nil
}

func (l *thread) configure(cfgs []bfd.Config) error {
	var err error
	if closed := l.call(func(w *worker) { err = w.configure(cfgs) }); closed != nil {
		return closed
	}
	return err
}

func (l *thread) setLink(name string, index int, up bool) {
	l.post(&command{run: func(w *worker) { w.table.SetLink(w.now(), name, index, up, &w.fx) }})
}

func (l *thread) events() <-chan Event { return l.out }

func (l *thread) snapshot() []bfd.SessionState {
	var states []bfd.SessionState
	_ = l.call(func(w *worker) { states = w.table.Snapshot(w.now(), nil) })
	return states
}

// standing returns an event for each session with its present state.
func (l *thread) standing() (events []Event) {
	_ = l.call(func(w *worker) {
		for _, st := range w.table.Snapshot(w.now(), nil) {
			events = append(events, Event{
				Session: st.Name, State: st.State, Remote: st.RemoteState, Diagnostic: st.Diagnostic, At: w.now().Add(-st.Since), Slow: st.Slow,
			})
		}
	})
	return events
}

// wait lets the loop go without beats for grace beyond the limit.
func (l *thread) wait(grace time.Duration) {
	l.post(&command{run: func(w *worker) { w.pulse.last = w.now().Add(grace) }})
}

func (l *thread) status() Status {
	var s Status
	_ = l.call(func(w *worker) { s = w.report() })
	return s
}

// watchSteal reports to the sessions when a hypervisor lets a processor of this machine
// wait for long. It has a goroutine of its own, because reading the kernel's statistics
// takes long on a machine with many processors, and would delay the thread of the loop.
func (l *thread) watchSteal(ctx context.Context) error {
	steal, err := sched.OpenSteal()
	if err != nil {
		return nil // without /proc, only the lateness of the loop itself counts
	}
	defer steal.Close()
	ticks := time.NewTicker(stealInterval)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			if d := steal.Read(); d >= stealLimit {
				l.stolen(d)
			}
		case <-l.stopped:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// stolen reports to the sessions that a processor could not run for the time d.
func (l *thread) stolen(d time.Duration) {
	l.post(&command{run: func(w *worker) { w.table.Stolen(w.now(), d, &w.fx) }})
}

// stealLimit is the stolen time of a processor, within stealInterval, that counts as one
// lateness. A shorter stolen time is more likely the sum of many short waits, and the
// kernel counts in units of 10 ms only.
const (
	stealInterval = 100 * time.Millisecond
	stealLimit    = 30 * time.Millisecond
)

func (l *thread) beat() { l.post(&command{run: (*worker).beat}) }

func (l *thread) handOver(time.Duration) (*os.File, error) { return nil, ErrNoHelper }

func (l *thread) close() error {
	l.post(&command{run: func(w *worker) { w.done = true }})
	<-l.stopped
	l.closing.Lock()
	defer l.closing.Unlock()
	if l.closed.Swap(true) {
		return ErrClosed
	}
	return unix.Close(l.wake)
}

// call makes the loop run f, and waits until it has.
func (l *thread) call(f func(*worker)) error {
	done := make(chan struct{})
	l.post(&command{run: f, done: done})
	select {
	case <-done:
		return nil
	case <-l.stopped:
	}
	select {
	case <-done: // f has run in the last turn
		return nil
	default:
		return ErrClosed
	}
}

func (l *thread) post(c *command) {
	l.commands.put(c)
	l.closing.Lock()
	defer l.closing.Unlock()
	if !l.closed.Load() {
		one := [8]byte{1} // any value but zero wakes the loop, so the byte order does not matter
		_, _ = unix.Write(l.wake, one[:])
	}
}
