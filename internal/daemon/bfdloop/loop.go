package bfdloop

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/task"
)

// Event is a change of state of a session.
type Event = bfd.Event

// ErrClosed is returned by calls after Close.
var ErrClosed = errors.New("bfd loop is closed")

// ErrNoHelper is returned by HandOver of a loop that runs in this process.
var ErrNoHelper = errors.New("bfd loop has no helper")

// Options are set once, at Start.
type Options struct {
	// Origin is the time that every reading handed out is counted from; it must have
	// a monotonic reading. The zero value takes the time of Start.
	Origin time.Time
	// Seed makes the jitter; zero takes a random one.
	Seed uint64
	// OnThread, when not nil, is run on the loop's own thread, or on the one that
	// starts the helper, before anything is opened: a way into another network namespace.
	OnThread func() error
	// Helper is the command line of a process to run the loop in, one that calls
	// HelperMain; usually SelfHelper(). Without it the loop is a thread of this
	// process, with the weaker promises told in the package comment.
	Helper []string
	// StallLimit is how long the process may go without a Beat until its sessions are
	// taken down; zero is for ever.
	StallLimit time.Duration
	// Inherited, when not nil, is what HandOver returned to the process before this one.
	// A helper that does not answer there is replaced.
	Inherited *os.File
}

// Status is what the loop says of itself.
type Status struct {
	// Priority is what the thread got, PriorityNote why it is not the best there is.
	Priority     Priority
	PriorityNote string
	// MaxLate is the longest that a packet or an expiry was dealt with after its time
	// since Start, Late how often it was more than LateLimit.
	MaxLate time.Duration
	Late    uint64
	// Wakeups counts the loop's turns, SendErrors the packets that the kernel refused,
	// ReceiveErrors failed reads; LastError is the latest reason of either.
	Wakeups, SendErrors, ReceiveErrors uint64
	LastError                          string
	// Coalesced counts events that a newer one of the same session replaced because
	// nobody had read them.
	Coalesced uint64
	// Stalled says that sessions are held down since the process has not beaten for
	// Options.StallLimit, Stalls how often this happened.
	Stalled bool
	Stalls  uint64
	// HelperPID is the helper's process, zero without one; HelperStarts how often one
	// was started.
	HelperPID    int
	HelperStarts uint64
	Counters     bfd.Counters
}

// LateLimit is the lateness from which a turn counts as late: half of the default
// interval.
const LateLimit = 5 * time.Millisecond

// Loop is a running loop. Its methods may be called from any goroutine.
type Loop struct {
	backend backend
	beaten  atomic.Bool // since the pulse was last sent
	tasks   *task.Group // all goroutines of the loop
}

// backend is a loop on a thread of this process or in a helper.
type backend interface {
	configure([]bfd.Config) error
	setLink(name string, index int, up bool)
	events() <-chan Event
	snapshot() []bfd.SessionState
	status() Status
	beat()
	handOver(grace time.Duration) (*os.File, error)
	close() error
}

// Start starts a loop without sessions. The error is that of Options.OnThread, of the
// helper that cannot be started, or of a kernel that is out of descriptors.
func Start(o Options) (*Loop, error) {
	if o.Origin.IsZero() {
		o.Origin = time.Now()
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	l := &Loop{tasks: task.NewGroup(context.Background())}
	var err error
	if len(o.Helper) == 0 {
		l.backend, err = startThread(o, noParent, l.tasks)
	} else {
		l.backend, err = startHelper(o, l.tasks)
	}
	if err != nil {
		return nil, err
	}
	if o.StallLimit > 0 {
		l.tasks.Go("BFD pulse", func(ctx context.Context) error { return l.pulse(ctx, o.StallLimit/beatsInLimit) })
	}
	return l, nil
}

// beatsInLimit is how many beats there can be in Options.StallLimit, so that a few
// late ones do not matter.
const beatsInLimit = 8

// pulse passes beats on at an even pace. It is a goroutine of its own so that Beat
// costs and risks nothing.
func (l *Loop) pulse(ctx context.Context, every time.Duration) error {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			if l.beaten.Swap(false) {
				l.backend.beat()
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// Beat says that the process does its work. Its event loop is to call it in every
// turn, several times in Options.StallLimit. When the beats cease, be it that the
// process was stopped or that its loop is stuck, the sessions go down with diagnostic
// 4 and stay down, so that the peers take over; they return after the next beat.
func (l *Loop) Beat() { l.beaten.Store(true) }

// Configure makes the sessions those of cfgs. Sessions that keep their addresses,
// interface and discriminators keep their state. The error is a *bfd.ConfigError, or
// a *udp.OpenError where a port is taken by another program, and nothing has changed.
func (l *Loop) Configure(cfgs []bfd.Config) error { return l.backend.configure(cfgs) }

// SetLink tells of an interface by its Linux name: its index, zero when it does not
// exist, and whether it can carry packets. Sessions wait for interfaces that have
// not been told of.
func (l *Loop) SetLink(name string, index int, up bool) { l.backend.setLink(name, index, up) }

// Events is where changes of state are told; Close closes it. A reader that is slow
// misses intermediate states of a session, never the last one.
func (l *Loop) Events() <-chan Event { return l.backend.events() }

// Snapshot returns the state of every session, sorted by name; none after Close.
func (l *Loop) Snapshot() []bfd.SessionState { return l.backend.snapshot() }

// Status returns what the loop says of itself; the zero value after Close.
func (l *Loop) Status() Status { return l.backend.status() }

// HandOver leaves the sessions to a process that takes the place of this one and gives
// it what it needs (Options.Inherited). Until that has come, for the grace beyond
// Options.StallLimit, the sessions stay as they are. The loop must not be used any more.
// Without a helper there is no process that they could live on in: ErrNoHelper.
func (l *Loop) HandOver(grace time.Duration) (*os.File, error) { return l.backend.handOver(grace) }

// Close ends the sessions and tells their peers at once that this device is going,
// so that they need not wait for their detection time. A second Close is ErrClosed.
func (l *Loop) Close() error {
	if err := l.backend.close(); err != nil {
		return err
	}
	return l.tasks.Stop()
}

// RecommendedProcs is a value for runtime.GOMAXPROCS in a process that runs a Loop
// without a helper on so many processors (see the package comment).
func RecommendedProcs(cpus int) int { return 4*cpus + 8 }
