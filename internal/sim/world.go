package sim

import (
	"container/heap"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"time"

	"tandem/internal/device"
)

// Delays of the simulated world.
const (
	wireDelay    = 200 * time.Microsecond
	upcallDelay  = 500 * time.Microsecond
	carrierDelay = time.Millisecond      // a change of carrier is noticed
	guardDelay   = 15 * time.Millisecond // the supervisor takes the leg of a dead daemon down
	rejoinDelay  = 2 * time.Millisecond  // the upstream network follows a report
	bfdMin       = 20 * time.Millisecond // detection of a silent peer at 10 ms x 3
	bfdMax       = 31 * time.Millisecond
)

// Options choose a run.
type Options struct {
	Seed     uint64
	Hosts    int
	Duration time.Duration // virtual time in which hosts change their minds and faults happen
	// Loss is the probability that a hello or a report is lost.
	Loss float64
	// Log gets a line for everything that happens, nil for none.
	Log io.Writer
}

// World is one simulated run.
type World struct {
	opts  Options
	rng   *rand.Rand
	now   time.Duration
	queue schedule
	seq   uint64

	nodes    [2]*node
	hosts    []*host
	streams  []stream
	pathUp   bool // between the devices: E-Trunk, BFD and RBS
	rbsUp    bool // RBS alone
	pathBFD  bool // BFD's verdict follows the path
	healedAt time.Duration
	watch    watch
}

// stream is one (S,G) that is sent upstream all the time.
type stream struct {
	source, group netip.Addr
	ssm           bool
}

func (s stream) key() device.SourceGroup {
	return device.SourceGroup{Source: s.source, Group: s.group}
}

// entry is something to happen.
type entry struct {
	at  time.Duration
	seq uint64 // keeps the order of what happens at once
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

// New builds a world: two devices that have just booted, hosts without wishes.
func New(opts Options) *World {
	w := &World{
		opts: opts, rng: rand.New(rand.NewPCG(opts.Seed, 1)),
		pathUp: true, rbsUp: true,
	}
	source := netip.MustParseAddr("2001:db8:5::10")
	for i := range 8 {
		ssm := i < 4
		group := netip.MustParseAddr(fmt.Sprintf("ff1e::%x", 0x101+i))
		if ssm {
			group = netip.MustParseAddr(fmt.Sprintf("ff3e::8000:%x", 1+i))
		}
		w.streams = append(w.streams, stream{source, group, ssm})
	}
	for i := range opts.Hosts {
		w.hosts = append(w.hosts, newHost(w, i))
	}
	w.watch = newWatch(w)
	for i := range w.nodes {
		w.nodes[i] = newNode(w, i)
	}
	for _, n := range w.nodes {
		n.boot()
	}
	w.judgePath()
	return w
}

// after schedules something.
func (w *World) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, entry{w.now + d, w.seq, do})
}

// run lets virtual time pass, up to a moment or a broken invariant.
func (w *World) run(until time.Duration) error {
	for len(w.queue) > 0 && w.queue[0].at <= until {
		e := heap.Pop(&w.queue).(entry)
		w.now = e.at
		e.do()
		for _, n := range w.nodes {
			n.pump()
		}
		if err := w.watch.check(); err != nil {
			return err
		}
	}
	w.now = until
	return nil
}

// chance is true with a probability.
func (w *World) chance(p float64) bool { return w.rng.Float64() < p }

// between picks a duration.
func (w *World) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.rng.Int64N(int64(high-low)+1))
}

func (w *World) logf(format string, args ...any) {
	if w.opts.Log != nil {
		fmt.Fprintf(w.opts.Log, "%12.6f  %s\n", w.now.Seconds(), fmt.Sprintf(format, args...))
	}
}
