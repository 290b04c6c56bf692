package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
)

// fault is a failure or an operator's change, and its repair. Two faults may overlap,
// even on one device, so each counts its cuts.
type fault struct {
	name              string
	shortest, longest time.Duration
	mayLast           bool // some steps of this fault last for minutes
	double            bool // two faults at the same time
	// gapless says that no established listener may miss a packet.
	gapless bool
	// heard says that the devices still receive each other's hellos on one path, if there
	// are several.
	heard bool
	// silent says that the fault keeps streams from arriving at one device, and that only
	// the missing packets show it.
	silent bool
	// gaplessEnd says that no established listener may lose a packet when the fault is
	// repaired.
	gaplessEnd  bool
	strike, end func(w *World, n *node, rng *rand.Rand)
}

const (
	moment = 50 * time.Millisecond
	while  = 15 * time.Second
)

// The faults: first those of the table in docs/reliability.md, then more detailed ones.
var faults = []fault{
	{name: "daemon killed", shortest: moment, longest: while, mayLast: true,
		strike: func(_ *World, n *node, _ *rand.Rand) { n.down++; n.kill() }, end: revive},
	{name: "device off", shortest: moment, longest: while, mayLast: true, strike: powerOff, end: powerOn},
	{name: "leg down", shortest: moment, longest: while,
		strike: func(_ *World, n *node, _ *rand.Rand) { n.cutCables(+1, 0) },
		end:    func(_ *World, n *node, _ *rand.Rand) { n.cutCables(-1, 0) }},
	{name: "upstream down", shortest: moment, longest: while, mayLast: true,
		strike: func(_ *World, n *node, _ *rand.Rand) { n.cutCables(0, +1) },
		end:    func(_ *World, n *node, _ *rand.Rand) { n.cutCables(0, -1) }},
	{name: "RBS down", gapless: true, shortest: moment, longest: while, mayLast: true, strike: cutRBS(+1, +1), end: cutRBS(-1, -1)},
	{name: "RBS one way", gapless: true, shortest: moment, longest: while, strike: cutRBS(+1, 0), end: cutRBS(-1, 0)},
	{name: "RBS slow", gapless: true, shortest: time.Second, longest: while,
		strike: func(w *World, _ *node, rng *rand.Rand) { w.rate = 500 + rng.IntN(20_000) },
		end:    func(w *World, _ *node, _ *rand.Rand) { w.rate = 0 }},
	{name: "path down", gapless: true, heard: true, shortest: moment, longest: while, mayLast: true, strike: cutPath(+1, +1), end: cutPath(-1, -1)},
	{name: "path one way", gapless: true, heard: true, shortest: moment, longest: while, strike: cutPath(+1, 0), end: cutPath(-1, 0)},
	{name: "hellos late, doubled and out of order", gapless: true, shortest: time.Second, longest: while,
		strike: func(w *World, _ *node, rng *rand.Rand) {
			w.jitter = time.Duration(rng.IntN(300)) * time.Millisecond
		},
		end: func(w *World, _ *node, _ *rand.Rand) { w.jitter = 0 }},
	{name: "old hellos again", gapless: true, shortest: moment, longest: time.Second, strike: replay, end: replay},
	{name: "hosts hashed anew", gapless: true, shortest: moment, longest: while, strike: rehash, end: rehash},
	{name: "switchover", gapless: true, shortest: moment, longest: while, mayLast: true,
		strike: func(_ *World, n *node, _ *rand.Rand) { n.yield(+1) },
		end:    func(_ *World, n *node, _ *rand.Rand) { n.yield(-1) }},
	{name: "daemon restarted at once", shortest: moment, longest: time.Second,
		strike: func(w *World, n *node, rng *rand.Rand) {
			n.kill()
			w.after(time.Duration(1+rng.IntN(40))*time.Millisecond, n.reboot)
		}, end: nothing},
	{name: "clock set wrong and restarted", shortest: moment, longest: while,
		strike: func(_ *World, n *node, rng *rand.Rand) {
			n.skew = time.Duration(rng.IntN(7201)-3600) * time.Second
			n.down++
			n.kill()
		}, end: revive},
	{name: "restarted with its clock wrong while RBS is down", double: true, shortest: learnTime + time.Second, longest: learnTime + 2*while,
		strike: func(w *World, n *node, rng *rand.Rand) {
			n.skew = time.Duration(rng.IntN(7201)-3600) * time.Second
			cutRBS(+1, +1)(w, n, rng)
			n.kill()
			w.after(moment, n.reboot)
		}, end: cutRBS(-1, -1)},
	{name: "state lost", shortest: moment, longest: while,
		strike: func(_ *World, n *node, rng *rand.Rand) {
			n.identity += 10
			n.skew = time.Duration(rng.IntN(2)*(rng.IntN(7201)-3600)) * time.Second
			n.down++
			n.kill()
		}, end: revive},
	{name: "records asked for anew", gapless: true, shortest: moment, longest: time.Second,
		strike: func(_ *World, n *node, _ *rand.Rand) { n.handle(device.BatchBackup{Service: service}) }, end: nothing},
	{name: "priority changed", gapless: true, shortest: moment, longest: while,
		strike: func(_ *World, n *node, _ *rand.Rand) { n.priority = 30 - n.priority; n.reconfigure() },
		end:    nothing},
	{name: "member held back", gapless: true, shortest: time.Second, longest: while,
		strike: func(_ *World, n *node, _ *rand.Rand) { n.heldBack++; n.reconfigure() },
		end:    func(_ *World, n *node, _ *rand.Rand) { n.heldBack--; n.reconfigure() }},
	{name: "members automatic", gapless: true, shortest: time.Second, longest: 2 * while,
		strike: automatic(+1), end: automatic(-1)},
	{name: "sub-interface removed and configured", shortest: time.Second, longest: while, strike: removeVLAN, end: addVLAN},
}

// heartbeatFaults are only for pairs with a heartbeat path. They are a list of their own,
// because in the common list they would change the faults that each seed draws.
var heartbeatFaults = []fault{
	{name: "heartbeat path down", gapless: true, heard: true, shortest: moment, longest: while, mayLast: true,
		strike: cutBeat(+1, +1), end: cutBeat(-1, -1)},
	{name: "heartbeat path one way", gapless: true, heard: true, shortest: moment, longest: while, strike: cutBeat(+1, 0), end: cutBeat(-1, 0)},
	{name: "all paths down", gapless: true, shortest: moment, longest: while, strike: cutAll(+1, +1), end: cutAll(-1, -1)},
	{name: "all paths one way", gapless: true, shortest: moment, longest: while, strike: cutAll(+1, 0), end: cutAll(-1, 0)},
	{name: "paths one way each, in opposite directions", gapless: true, shortest: moment, longest: while,
		strike: both(cutPath(+1, 0), cutBeat(0, +1)), end: both(cutPath(-1, 0), cutBeat(0, -1))},
}

// unableFaults are faults in which the kernel keeps an interface with carrier from
// working. They are a list of their own for the same reason.
var unableFaults = []fault{
	{name: "leg without a link-local address", gapless: true, shortest: moment, longest: while, mayLast: true,
		strike: func(_ *World, n *node, _ *rand.Rand) { n.disable(+1, 0, 0) },
		end:    func(_ *World, n *node, _ *rand.Rand) { n.disable(-1, 0, 0) }},
	{name: "upstream without a link-local address", gapless: true, shortest: moment, longest: while, mayLast: true,
		strike: func(_ *World, n *node, _ *rand.Rand) { n.disable(0, +1, 0) },
		end:    func(_ *World, n *node, _ *rand.Rand) { n.disable(0, -1, 0) }},
	{name: "leg without IPv6", shortest: moment, longest: while, mayLast: true,
		strike: func(_ *World, n *node, _ *rand.Rand) { n.disable(0, 0, +1) },
		end:    func(_ *World, n *node, _ *rand.Rand) { n.disable(0, 0, -1) }},
}

// faults lists the faults that may happen in a run.
func (o Options) faults() []fault {
	list := faults
	if o.Heartbeat {
		list = slices.Concat(list, heartbeatFaults)
	}
	if o.Unable {
		list = slices.Concat(list, unableFaults)
	}
	if o.Arriving {
		list = slices.Concat(list, arrivingFaults)
	}
	return list
}

func nothing(*World, *node, *rand.Rand) {}

func faultNamed(name string) fault {
	for _, f := range slices.Concat(faults, heartbeatFaults, unableFaults, arrivingFaults) {
		if f.name == name {
			return f
		}
	}
	panic("no fault is called " + name)
}

func powerOff(_ *World, n *node, _ *rand.Rand) {
	n.cutCables(+1, +1)
	n.down++
	n.kill()
}

func powerOn(_ *World, n *node, _ *rand.Rand) {
	n.cutCables(-1, -1)
	n.down--
	n.reboot()
}

func revive(_ *World, n *node, _ *rand.Rand) {
	n.down--
	n.reboot()
}

// cutRBS returns a function that cuts the channel, or repairs it, from this device to the
// peer and back: +1 cuts, -1 repairs, 0 changes nothing.
func cutRBS(there, back int) func(*World, *node, *rand.Rand) {
	return func(w *World, n *node, _ *rand.Rand) {
		w.rbsCuts[n.index] += there
		w.rbsCuts[1-n.index] += back
		w.pathHealed()
	}
}

// cutPath returns a function that cuts all traffic between the devices, or repairs it, in
// each direction: +1 cuts, -1 repairs, 0 changes nothing.
func cutPath(there, back int) func(*World, *node, *rand.Rand) {
	return func(w *World, n *node, _ *rand.Rand) {
		w.pathCuts[n.index] += there
		w.pathCuts[1-n.index] += back
		w.judgePath()
		w.pathHealed()
	}
}

// cutBeat returns a function that cuts or repairs the heartbeat path in the same way.
func cutBeat(there, back int) func(*World, *node, *rand.Rand) {
	return func(w *World, n *node, _ *rand.Rand) {
		w.beatCuts[n.index] += there
		w.beatCuts[1-n.index] += back
		w.pathHealed()
	}
}

func cutAll(there, back int) func(*World, *node, *rand.Rand) {
	return both(cutPath(there, back), cutBeat(there, back))
}

func both(first, second func(*World, *node, *rand.Rand)) func(*World, *node, *rand.Rand) {
	return func(w *World, n *node, rng *rand.Rand) {
		first(w, n, rng)
		second(w, n, rng)
	}
}

// replay sends old hellos again, some of them damaged.
func replay(w *World, n *node, rng *rand.Rand) {
	for _, packet := range n.sent {
		packet := append([]byte(nil), packet...)
		if rng.IntN(3) == 0 {
			packet[rng.IntN(len(packet))] ^= 1 << rng.IntN(8)
		}
		if rng.IntN(4) == 0 {
			packet = packet[:rng.IntN(len(packet))]
		}
		from := n.address()
		if w.opts.Heartbeat && rng.IntN(2) == 0 {
			from = n.beatAddress()
		}
		w.after(time.Duration(rng.IntN(50))*time.Millisecond, func() {
			n.peer().handle(device.HelloReceived{From: from, Packet: packet})
		})
	}
}

// rehash makes the switch send the messages of some hosts to other legs.
func rehash(w *World, _ *node, rng *rand.Rand) {
	for _, h := range w.hosts {
		h.leg = rng.IntN(2)
	}
}

// automatic returns a function that puts the members into mode auto, so that the election
// decides which leg serves.
func automatic(by int) func(*World, *node, *rand.Rand) {
	return func(w *World, n *node, rng *rand.Rand) {
		n.automatic += by
		n.reconfigure()
		w.after(time.Duration(rng.IntN(3000))*time.Millisecond, func() {
			n.peer().automatic += by
			n.peer().reconfigure()
		})
	}
}

// removeVLAN removes the sub-interface from the configuration of both devices, one after the
// other.
func removeVLAN(w *World, n *node, rng *rand.Rand) { w.setVLAN(n, rng, -1) }
func addVLAN(w *World, n *node, rng *rand.Rand)    { w.setVLAN(n, rng, +1) }

func (w *World) setVLAN(n *node, rng *rand.Rand, by int) {
	n.vlan += by
	n.reconfigure()
	w.after(time.Duration(rng.IntN(900))*time.Millisecond, func() {
		n.peer().vlan += by
		n.peer().reconfigure()
	})
}

// automatic reports whether at least one device has its member in mode Auto.
func (w *World) automatic() bool {
	return w.nodes[0].memberMode() == etrunk.Auto || w.nodes[1].memberMode() == etrunk.Auto
}

// memberMode returns the mode in the device's configuration now.
func (n *node) memberMode() etrunk.MemberMode {
	switch {
	case n.heldBack > 0:
		return etrunk.ForceBackup
	case n.automatic > 0:
		return etrunk.Auto
	}
	return etrunk.ForceMaster
}
