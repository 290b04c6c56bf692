package sim

import (
	"math/rand/v2"
	"time"

	"net/netip"

	"tandem/internal/device"
	"tandem/internal/mld"
)

// upstreamQuerier is the router upstream, which queries the devices.
var upstreamQuerier = netip.MustParseAddr("fe80::ff")

// arrivingFaults are the faults that keep streams from arriving at a device although all
// its links have carrier. They happen only in runs whose devices watch streams. They are
// a list of their own for the same reason as heartbeatFaults.
var arrivingFaults = []fault{
	{name: "upstream delivers nothing", silent: true, shortest: moment, longest: while, mayLast: true, strike: deliverNothing(+1), end: deliverNothing(-1)},
	{name: "one stream does not arrive", silent: true, shortest: moment, longest: while, mayLast: true, strike: loseOne, end: findAgain},
	{name: "half of the streams do not arrive", silent: true, shortest: moment, longest: while, mayLast: true, strike: loseHalf, end: findAgain},
	{name: "sources stop", gapless: true, shortest: moment, longest: while, mayLast: true, strike: stopSources, end: startSources},
	{name: "upstream down, its port forwards 1 s late", gaplessEnd: true, shortest: moment, longest: while,
		strike: func(_ *World, n *node, _ *rand.Rand) { n.cutCables(0, +1) },
		end:    func(_ *World, n *node, _ *rand.Rand) { n.cutCables(0, -1); n.forwardLate(time.Second) }},
	{name: "upstream down, its port forwards 15 s late", gaplessEnd: true, shortest: moment, longest: while,
		strike: func(_ *World, n *node, _ *rand.Rand) { n.cutCables(0, +1) },
		end:    func(_ *World, n *node, _ *rand.Rand) { n.cutCables(0, -1); n.forwardLate(15 * time.Second) }},
	{name: "device off, its port upstream forwards late", gaplessEnd: true, shortest: moment, longest: while, strike: powerOff,
		end: func(w *World, n *node, rng *rand.Rand) {
			powerOn(w, n, rng)
			n.forwardLate(time.Duration(1+rng.IntN(15)) * time.Second)
		}},
}

// wayIn holds what keeps streams from arriving at a device.
type wayIn struct {
	silent int     // number of faults in which the upstream network delivers nothing
	late   int     // number of upstream ports that do not forward yet
	lost   []int   // for each stream, the number of faults that keep it from arriving
	groups [][]int // the streams that each fault of single streams keeps away, in the order of the faults
}

// brings reports whether a stream that the device has joined arrives.
func (n *node) brings(i int) bool {
	return n.way.silent+n.way.late+n.way.lost[i]+n.w.stopped[i] == 0
}

// lacks reports whether a fault keeps streams from arriving at this device, other than a
// source that has stopped.
func (n *node) lacks() bool {
	lost := 0
	for _, faults := range n.way.lost {
		lost += faults
	}
	return n.way.silent+n.way.late+lost > 0
}

func deliverNothing(by int) func(*World, *node, *rand.Rand) {
	return func(_ *World, n *node, _ *rand.Rand) {
		n.way.silent += by
		n.moved = true
	}
}

func loseOne(w *World, n *node, rng *rand.Rand) { n.lose(rng.Perm(len(w.streams))[:1]) }

func loseHalf(w *World, n *node, rng *rand.Rand) { n.lose(rng.Perm(len(w.streams))[:len(w.streams)/2]) }

func (n *node) lose(streams []int) {
	n.way.groups = append(n.way.groups, streams)
	for _, i := range streams {
		n.way.lost[i]++
	}
	n.moved = true
}

// findAgain ends the oldest fault of single streams on a device.
func findAgain(_ *World, n *node, _ *rand.Rand) {
	for _, i := range n.way.groups[0] {
		n.way.lost[i]--
	}
	n.way.groups = n.way.groups[1:]
	n.moved = true
}

// stopSources stops some of the sources, or all.
func stopSources(w *World, _ *node, rng *rand.Rand) {
	some := rng.Perm(len(w.streams))[:1+rng.IntN(len(w.streams))]
	w.stops = append(w.stops, some)
	w.stop(some, +1)
}

// startSources starts the sources again that were stopped first.
func startSources(w *World, _ *node, _ *rand.Rand) {
	w.stop(w.stops[0], -1)
	for _, i := range w.stops[0] {
		w.watch.resumed(i)
	}
	w.stops = w.stops[1:]
}

func (w *World) stop(streams []int, by int) {
	for _, i := range streams {
		w.stopped[i] += by
	}
	for _, n := range w.nodes {
		n.moved = true
	}
}

// forwardLate makes the upstream port, which has carrier, forward only after a time.
// Until then the port drops the reports of the device. Soon afterwards the upstream
// querier sends a query.
func (n *node) forwardLate(after time.Duration) {
	n.way.late++
	n.moved = true
	n.w.after(after, func() {
		n.way.late--
		n.moved = true
	})
	n.w.after(after+n.w.between(0, time.Second), func() {
		if !n.upCable() || n.way.late > 0 {
			return
		}
		q := mld.Query{Version: 2, Group: netip.IPv6Unspecified(), Robustness: 2, QueryInterval: 125 * time.Second, MaxResponse: time.Second}
		n.handle(&device.MLDReceived{
			Netdev: upName, Meta: mld.Meta{Src: upstreamQuerier, Dst: q.Destination(), HopLimit: 1, RouterAlert: true},
			Packet: &mld.Packet{Type: mld.TypeQuery, Query: q},
		})
	})
}

// silentGap returns how long a listener may miss a stream after a fault that only the
// missing packets show.
func (w *World) silentGap(i int) time.Duration {
	for _, n := range w.nodes {
		if n.way.silent+n.way.lost[i] > 0 {
			return max(w.streams[i].rhythm.silentFor(), n.plane.freshFor(i))
		}
	}
	return 0
}

// freshFor returns for how long listeners may miss a stream that had not been arriving for long when it fell
// silent: its pace is not known yet, or its last pause may be a habit.
func (p *plane) freshFor(i int) time.Duration {
	if p == nil || p.counts[i].lasted > 3*time.Second {
		return 0
	}
	return 2200 * time.Millisecond
}

// newStream returns how much longer a listener may wait for a stream that is new to both
// devices, while the stream does not arrive at one of them: the other device must have
// received its first packet.
func (w *World) newStream(i int) time.Duration {
	if !w.silent {
		return 0
	}
	return w.streams[i].rhythm.period
}
