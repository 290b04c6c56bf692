package proof

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/instant"
)

// The tests connect two judges as two devices are connected. Each judge has its own Watch,
// which looks once a tick. Messages between them arrive with a delay.

const (
	step       = time.Millisecond
	slowestWay = 50 * time.Millisecond
)

// couple is two devices and the sources that both should receive.
type couple struct {
	now     instant.Time
	rng     *rand.Rand
	sources []*testSource
	nodes   [2]*judge
}

// judge is one device of a couple.
type judge struct {
	Arriving[uint32]
	c       *couple
	peer    *judge
	watch   Watch
	read    []Reading
	phase   time.Duration // of its looks within a tick
	lost    []bool        // whether each stream is lost before it arrives here
	inbox   []message     // messages on their way to it
	clear   instant.Time  // when the last message on its way arrives
	took    []int         // how often it began to stand in for each stream
	tookAt  []instant.Time
	standin []bool
	missed  int
	mute    bool // what it says is lost
}

type message struct {
	at   instant.Time
	take func(now instant.Time)
}

// testSource sends packets.
type testSource struct {
	next instant.Time
	gap  func() time.Duration // time to the next packet
}

func newCouple(seed uint64, sources ...*testSource) *couple {
	c := &couple{now: instant.FromOrigin(time.Hour), rng: rand.New(rand.NewPCG(seed, 9)), sources: sources}
	for i := range c.nodes {
		n := &judge{c: c, phase: time.Duration(c.rng.IntN(int(tick/step))) * step}
		c.nodes[i] = n
		n.read, n.lost = make([]Reading, len(sources)), make([]bool, len(sources))
		n.took, n.tookAt, n.standin = make([]int, len(sources)), make([]instant.Time, len(sources)), make([]bool, len(sources))
		for slot := range sources {
			n.watch.Add(uint32(slot))
		}
	}
	for i, n := range c.nodes {
		n.peer = c.nodes[1-i]
	}
	for _, s := range sources {
		s.next = c.now.Add(s.gap())
	}
	c.connect()
	return c
}

// connect makes each judge tell the other all that it knows.
func (c *couple) connect() {
	for _, n := range c.nodes {
		n.say(n.peer.PeerBegins)
		n.Arrivals(func(key uint32) bool { n.tell(key); return true })
		n.say(n.peer.PeerComplete)
	}
}

// run advances the time, and calls check, if not nil, after every step.
func (c *couple) run(d time.Duration, check func()) {
	for end := c.now.Add(d); c.now < end; {
		c.now = c.now.Add(step)
		for i, s := range c.sources {
			for ; s.next <= c.now; s.next = s.next.Add(max(s.gap(), 100*time.Microsecond)) {
				for _, n := range c.nodes {
					if !n.lost[i] {
						n.read[i] = Reading{n.read[i].Packets + 1, s.next}
					}
				}
			}
		}
		for _, n := range c.nodes {
			n.step()
		}
		if check != nil {
			check()
		}
	}
}

func (n *judge) reading(slot uint32) Reading { return n.read[slot] }

func (n *judge) changed(slot uint32, flowing bool) {
	if f := n.watch.Of(slot); flowing {
		n.Flows(n.c.now, slot, f.Sight())
	} else {
		n.Silent(n.c.now, slot, f.Last())
	}
}

// step does what a device does in one step of time.
func (n *judge) step() {
	now := n.c.now
	for len(n.inbox) > 0 && n.inbox[0].at <= now {
		m := n.inbox[0]
		n.inbox = n.inbox[1:]
		m.take(now)
	}
	if (now.SinceOrigin()+n.phase)%tick == 0 {
		n.watch.Look(now, n.reading, n.changed)
	}
	if n.Deadline().IsDue(now) {
		n.Advance(now)
	}
	for _, slot := range n.Looks() {
		n.watch.LookAt(now, slot, n.reading, n.changed)
		n.Seen(now, slot, n.watch.Of(slot).Sight())
	}
	for _, slot := range n.Missed() {
		n.watch.Of(slot).Missed()
		n.missed++
	}
	for _, slot := range n.News() {
		n.tell(slot)
	}
	if n.StandsChanged() {
		n.note()
	}
}

// note records for which streams the judge has begun to stand in.
func (n *judge) note() {
	for slot := range n.standin {
		is := slices.Contains(n.Stands(), uint32(slot))
		if is && !n.standin[slot] {
			n.took[slot]++
			n.tookAt[slot] = n.c.now
		}
		n.standin[slot] = is
	}
}

// tell tells the peer the present state of a stream.
func (n *judge) tell(slot uint32) {
	t := n.Tell(n.c.now, slot, true)
	n.say(func(now instant.Time) { n.peer.PeerTells(now, slot, t) })
}

// say makes the peer call take when the message arrives.
func (n *judge) say(take func(now instant.Time)) {
	p := n.peer
	if n.mute {
		return
	}
	p.clear = max(p.clear, n.c.now.Add(time.Duration(n.c.rng.Int64N(int64(slowestWay)))))
	p.inbox = append(p.inbox, message{p.clear, take})
}

// every sends a packet each interval.
func every(interval time.Duration) *testSource {
	return &testSource{gap: func() time.Duration { return interval }}
}

// bursts sends some packets 1 ms apart in each period.
func bursts(packets int, period time.Duration) *testSource {
	n := 0
	return &testSource{gap: func() time.Duration {
		if n++; n%packets == 0 {
			return period - time.Duration(packets-1)*time.Millisecond
		}
		return time.Millisecond
	}}
}

// pausing sends a packet each interval, and pauses from time to time.
func pausing(rng *rand.Rand, interval, between, pause time.Duration) *testSource {
	return &testSource{gap: func() time.Duration {
		if rng.Int64N(int64(between)) < int64(interval) {
			return interval + time.Duration(rng.Int64N(int64(pause)))
		}
		return interval
	}}
}

// drawSource draws a random source that behaves as real sources do.
func drawSource(t *rapid.T, rng *rand.Rand) *testSource {
	interval := rapid.SampledFrom([]time.Duration{time.Millisecond, 3 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond, time.Second}).Draw(t, "interval")
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return every(interval)
	case 1:
		return bursts(rapid.IntRange(1, 30).Draw(t, "packets"), 10*interval+40*time.Millisecond)
	case 2: // it stops and starts again after some seconds
		return pausing(rng, interval, 3*time.Second+20*interval, 10*time.Second)
	}
	return pausing(rng, interval, 300*time.Millisecond+5*interval, 100*time.Millisecond)
}

// consistent fails if the counts do not match the streams, or if state of a removed stream
// is left.
func (c *couple) consistent(t interface{ Fatal(...any) }) {
	for _, n := range c.nodes {
		want := Counts{}
		for i, f := range n.streams {
			if f.index != i || n.byKey[f.key] != f || f.taken > 0 && n.taken[f.taken-1] != f.key {
				t.Fatal(fmt.Sprintf("stream %d: %+v", i, f))
			}
			for into, is := range map[*int]bool{
				&want.Flowing: f.flows, &want.Any: f.flows || f.peer == peerFlows || f.standsIn || f.taken > 0,
				&want.Lacking: f.standsIn && !f.flows, &want.StandsIn: f.taken > 0,
			} {
				if is {
					*into++
				}
			}
		}
		if n.Counts() != want || len(n.byKey) != len(n.streams) || len(n.taken) != want.StandsIn {
			t.Fatal(fmt.Sprintf("%+v, want %+v", n.Counts(), want))
		}
	}
}
