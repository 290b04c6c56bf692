package sim

import (
	"cmp"
	"container/heap"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

// Delays of the simulated world.
const (
	wireDelay    = 200 * time.Microsecond
	upcallDelay  = 500 * time.Microsecond
	carrierDelay = time.Millisecond      // time until a change of carrier is noticed
	guardDelay   = 15 * time.Millisecond // time until the supervisor takes the leg of a dead daemon down
	rejoinDelay  = 2 * time.Millisecond  // time until the upstream network acts on a report
	beatDelay    = 3 * time.Millisecond  // delay on the heartbeat path
	bfdMin       = 20 * time.Millisecond // time until BFD of 10 ms x 3 detects a silent peer
	bfdMax       = 31 * time.Millisecond
)

// Options choose a run.
type Options struct {
	Seed  uint64
	Hosts int
	// Groups is the number of streams, half of them SSM; 0 for 8.
	Groups int
	// Most is how many streams a host wants at once: a host at this number leaves one
	// when it joins another. 0 for any number.
	Most int
	// Pause is the longest time between two changes of what hosts want, 0 for 2 s.
	Pause time.Duration
	// CheckEvery spaces the checks of the invariants in large worlds; 0 checks
	// after every event.
	CheckEvery time.Duration
	// Loss is the probability that a hello or a report is lost.
	Loss float64
	// Keep lists the steps of the seed's plan that are played, nil for all.
	Keep []int
	// Automatic makes the members automatic, so that the election decides which of the
	// two serves.
	Automatic bool
	// Heartbeat adds a second path for hellos, and faults of it to the plan.
	Heartbeat bool
	// Unable adds faults in which the kernel keeps interfaces from working.
	Unable bool
	// Arriving makes the devices watch which streams arrive, and adds the faults in
	// arrivingFaults.
	Arriving bool
	// Hostile adds an attacker behind the switch that claims to be the querier.
	Hostile bool
	// NoMinds makes hosts choose their streams once, at the start.
	NoMinds bool
	// Log gets a line for every event, nil for none.
	Log io.Writer
}

// World is one simulated run.
type World struct {
	opts  Options
	plan  Plan
	rng   *rand.Rand // random numbers of the network
	minds *rand.Rand // random numbers of the hosts
	now   instant.Time
	queue schedule
	seq   uint64

	nodes   [2]*node
	hosts   []*host
	streams []stream
	v1      [vlans]v1link
	// Cuts of what each device sends to the other: all on the primary path, only RBS, and
	// all on the heartbeat path.
	pathCuts, rbsCuts, beatCuts [2]int
	rate                        int           // speed of RBS in bytes/s, 0 for no limit
	jitter                      time.Duration // the largest extra delay of a hello
	pathBFD                     bool          // BFD detects cuts of the path
	stopped                     []int         // for each stream, the number of faults that stop its source
	stops                       [][]int       // the sources that each of these faults has stopped, in the order of the faults

	broken   []Step       // steps that have begun and are not repaired
	healedAt instant.Time // when the last step was repaired, Never while one is not
	settled  bool         // since healedAt, the pair has shared the sending
	// strict says that at most one fault has hit a settled pair, so listeners may miss
	// only what its detection takes.
	strict  bool
	gapless bool // the fault is one that no listener may notice
	silent  bool // only the missing packets of the streams show the fault
	// unchanged says that the last event has changed nothing, so that the checks after it
	// can be left out.
	unchanged bool
	heard     bool // the fault leaves the devices a path on which their hellos arrive
	calm      bool // for now, hosts do not join or leave
	resting   bool // hosts do not join or leave any more
	watch     watch
	checkAt   instant.Time
	broke     error // an invariant that was violated in the middle of an event
}

// vlans is the number of interfaces on the leg: the leg itself and a sub-interface.
const vlans = 2

// stream is one (S,G) that is sent upstream all the time.
type stream struct {
	source, group netip.Addr
	ssm           bool
	rhythm        rhythm
	index         int // index in World.streams
	bucket        int // bucket of the stream
}

func (s stream) key() device.SourceGroup {
	return device.SourceGroup{Source: s.source, Group: s.group}
}

// entry is a scheduled function.
type entry struct {
	at  instant.Time
	seq uint64 // keeps the order of functions that are due at the same time
	do  func()
}

type schedule []entry

func (s schedule) Len() int { return len(s) }
func (s schedule) Less(i, j int) bool {
	return s[i].at < s[j].at || s[i].at == s[j].at && s[i].seq < s[j].seq
}
func (s schedule) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *schedule) Push(x any)   { *s = append(*s, x.(entry)) }
func (s *schedule) Pop() any {
	old := *s
	last := old[len(old)-1]
	*s = old[:len(old)-1]
	return last
}

// New returns a world with two devices that have just booted, and hosts that want nothing
// yet.
func New(opts Options) *World {
	w := &World{
		opts: opts, plan: newPlan(opts.Seed, opts.faults()).kept(opts.Keep),
		now: instant.FromOrigin(0), healedAt: instant.FromOrigin(0),
		rng: rand.New(rand.NewPCG(opts.Seed, 1)), minds: rand.New(rand.NewPCG(opts.Seed, 3)),
	}
	source := netip.MustParseAddr("2001:db8:5::10")
	groups := cmp.Or(opts.Groups, 8)
	for i := range groups {
		ssm := i < groups/2
		group := netip.MustParseAddr(fmt.Sprintf("ff1e::%x", 0x101+i))
		if ssm {
			group = netip.MustParseAddr(fmt.Sprintf("ff3e::8000:%x", 1+i))
		}
		w.streams = append(w.streams, stream{source, group, ssm, rhythmOf(opts.Seed, i), i, etrunk.BucketOf(source, group)})
	}
	for v := range w.v1 {
		w.v1[v].lost = make([]bool, len(w.streams))
	}
	for i := range opts.Hosts {
		w.hosts = append(w.hosts, newHost(w, i))
	}
	w.watch = newWatch(w)
	w.stopped = make([]int, len(w.streams))
	for i := range w.nodes {
		w.nodes[i] = newNode(w, i)
	}
	for _, n := range w.nodes {
		n.boot()
	}
	w.judgePath()
	return w
}

// after schedules a function after a delay.
func (w *World) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, entry{w.now.Add(d), w.seq, do})
}

// run lets virtual time pass, until an instant or until an invariant is violated.
func (w *World) run(until instant.Time) error {
	for len(w.queue) > 0 && w.queue[0].at <= until {
		e := heap.Pop(&w.queue).(entry)
		w.now = e.at
		if e.do(); w.unchanged {
			w.unchanged = false
			continue
		}
		for _, n := range w.nodes {
			n.pump()
		}
		if w.now >= w.checkAt {
			w.checkAt = w.now.Add(w.opts.CheckEvery)
			if err := w.watch.check(); err != nil {
				return err
			}
		}
		if w.broke != nil {
			return w.broke
		}
	}
	w.now = until
	return nil
}

// chance returns true with probability p.
func (w *World) chance(p float64) bool { return w.rng.Float64() < p }

// between returns a random duration in a range.
func (w *World) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.rng.Int64N(int64(high-low)+1))
}

// violated records a violated invariant; the first one ends the run.
func (w *World) violated(format string, args ...any) {
	if w.broke == nil {
		w.broke = fmt.Errorf(format, args...)
	}
}

func (w *World) logf(format string, args ...any) {
	if w.opts.Log != nil {
		fmt.Fprintf(w.opts.Log, "%12.6f  %s\n", w.now.SinceOrigin().Seconds(), fmt.Sprintf(format, args...))
	}
}
