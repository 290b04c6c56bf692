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
	// Origin is the zero point of all times that the loop reports. Its time.Time must
	// contain a monotonic clock reading. The zero value stands for the time of Start.
	Origin time.Time
	// Seed is the seed of the jitter; zero stands for a random one.
	Seed uint64
	// OnThread, if not nil, is called first on the loop's thread, or on the thread that
	// starts the helper. It can enter another network namespace.
	OnThread func() error
	// Helper is the command line of a process that runs the loop by calling HelperMain; usually
	// SelfHelper(). Without it the loop runs on a thread of this process, with the weaker
	// guarantees that the package comment describes.
	Helper []string
	// StallLimit is how long the process may go without a Beat. Then its sessions are taken
	// down. Zero means without limit.
	StallLimit time.Duration
	// Inherited, if not nil, is the socket that HandOver returned to the process before this
	// one. If no helper answers on it, a new one is started.
	Inherited *os.File
}

// Status describes the loop.
type Status struct {
	// Priority is the priority of the loop's thread. PriorityNote says why it is not the
	// best one.
	Priority     Priority
	PriorityNote string
	// MaxLate is the longest delay with which a packet or an expiry was handled since Start.
	// Late counts the delays above LateLimit.
	MaxLate time.Duration
	Late    uint64
	// Wakeups counts the turns of the loop, SendErrors the packets that the kernel
	// refused to send, ReceiveErrors the failed reads. LastError is the reason of the
	// latest send or receive error.
	Wakeups, SendErrors, ReceiveErrors uint64
	LastError                          string
	// Coalesced counts unread events that a newer event of the same session has replaced.
	Coalesced uint64
	// Stalled means that sessions are held down because no Beat came for Options.StallLimit.
	// Stalls counts how often that happened.
	Stalled bool
	Stalls  uint64
	// HelperPID is the process ID of the helper, zero without one. HelperStarts counts how
	// often one was started.
	HelperPID    int
	HelperStarts uint64
	Counters     bfd.Counters
}

// LateLimit is the delay above which a turn counts as late. It is half of the default interval.
const LateLimit = 5 * time.Millisecond

// Loop is a running loop. All its methods may be called from any goroutine.
type Loop struct {
	backend backend
	beaten  atomic.Bool // a Beat has come since the pulse was last sent
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

// Start starts a loop without sessions. It returns the error of Options.OnThread, or an error
// if the helper cannot be started or the kernel has no free descriptors.
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

// beatsInLimit is how many pulses are sent in Options.StallLimit, so that a few late ones do no
// harm.
const beatsInLimit = 8

// pulse sends the beats to the loop at a regular interval. It has a goroutine of its own, so
// that Beat is cheap and cannot block.
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

// Beat is a sign of life. The event loop of the process must call it in every turn, several
// times within Options.StallLimit. If the beats stop, because the process was stopped or its
// loop is stuck, the sessions go down with diagnostic 4, so that the peers take over. They come
// up again after the next beat.
func (l *Loop) Beat() { l.beaten.Store(true) }

// Configure replaces the sessions by those of cfgs. Sessions that keep their addresses,
// interface and discriminators keep their state. It returns a *bfd.ConfigError, or a
// *udp.OpenError if another program uses a port. After an error nothing has changed.
func (l *Loop) Configure(cfgs []bfd.Config) error { return l.backend.configure(cfgs) }

// SetLink reports the state of an interface, given by its Linux name: its index, zero if it
// does not exist, and whether it can carry packets. A session does not run until its interface
// has been reported.
func (l *Loop) SetLink(name string, index int, up bool) { l.backend.setLink(name, index, up) }

// Events returns the channel of state changes. Close closes it. A slow reader can miss
// intermediate states of a session, but never the last one.
func (l *Loop) Events() <-chan Event { return l.backend.events() }

// Snapshot returns the state of every session, sorted by name; none after Close.
func (l *Loop) Snapshot() []bfd.SessionState { return l.backend.snapshot() }

// Status returns the status of the loop, the zero value after Close.
func (l *Loop) Status() Status { return l.backend.status() }

// HandOver leaves the sessions to a successor process. It returns the socket for the
// successor's Options.Inherited. The sessions keep their state until the successor has
// come, at most for Options.StallLimit and grace. After that the loop must not be used
// any more. Without a helper no process could keep the sessions, so HandOver returns
// ErrNoHelper.
func (l *Loop) HandOver(grace time.Duration) (*os.File, error) { return l.backend.handOver(grace) }

// Close ends the sessions and notifies the peers at once (AdminDown), so that they need
// not wait for their detection time. A second Close returns ErrClosed.
func (l *Loop) Close() error {
	if err := l.backend.close(); err != nil {
		return err
	}
	return l.tasks.Stop()
}

// RecommendedProcs returns a value of runtime.GOMAXPROCS for a process that runs a Loop without
// a helper on a number of processors (see the package comment).
func RecommendedProcs(cpus int) int { return 4*cpus + 8 }
