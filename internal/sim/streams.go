package sim

import (
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/instant"
	"tandem/internal/proof"
)

// How the simulated forwarding plane watches streams. The values are those of fib/kernel.
const (
	lookInterval = 10 * time.Millisecond
	lookDelay    = 50 * time.Microsecond // time from a request of the device to the look
	warmLooks    = 12                    // number of looks after which the plane knows which streams flow
	// steadyTime is how long no stream must have begun or ended to arrive before the
	// plane looks less often. Then the next look would show nothing new.
	steadyTime = 5 * time.Second
	rareLooks  = time.Second
)

// rhythm says when the packets of a stream are sent: in each period a burst of some
// packets. The first period begins at the origin of time.
type rhythm struct {
	packets       int
	tight, period time.Duration
}

var (
	fast   = rhythm{packets: 1, period: time.Millisecond}
	medium = rhythm{packets: 1, period: 20 * time.Millisecond}
	slow   = rhythm{packets: 1, period: 300 * time.Millisecond}
	bursty = rhythm{packets: 10, tight: time.Millisecond, period: 140 * time.Millisecond}
)

// until returns how many packets have been sent until now, and when the last one was
// sent.
func (r rhythm) until(now instant.Time) (packets uint64, last instant.Time) {
	whole, rest := now.SinceOrigin()/r.period, now.SinceOrigin()%r.period
	some := 0
	if r.tight > 0 {
		some = min(r.packets-1, int(rest/r.tight))
	}
	return uint64(int(whole)*r.packets + some + 1), instant.FromOrigin(whole*r.period + time.Duration(some)*r.tight)
}

// silentFor returns how long listeners may miss the stream when it no longer arrives at
// one device (rows 15 and 16 of the table in docs/reliability.md).
func (r rhythm) silentFor() time.Duration {
	mean := r.period / time.Duration(r.packets)
	pause := r.period - time.Duration(r.packets-1)*r.tight
	return max(maxSilence, 20*time.Millisecond+max(5*mean, 2*pause+lookInterval))
}

// regular reports whether the stream sends single packets so often that the plane
// measures its pauses even if it looks less often.
func (r rhythm) regular() bool { return r.packets == 1 && r.period <= 20*time.Millisecond }

// rhythmOf returns the rhythm of a stream. In half of the runs all streams are fast.
func rhythmOf(seed uint64, i int) rhythm {
	if seed%2 == 0 {
		return fast
	}
	return []rhythm{fast, fast, medium, fast, slow, fast, bursty, fast}[(uint64(i)+seed/2)%8]
}

// plane is the part of a device's kernel that counts the packets of each routed stream.
type plane struct {
	watch   proof.Watch
	counts  []counter // by index of the stream
	looks   int
	lookAt  instant.Time // when the next look is due
	changed instant.Time // when a stream last began or ended to arrive
}

// counter counts the packets of a stream that have arrived.
type counter struct {
	packets uint64 // number of packets that arrived before since
	last    instant.Time
	since   instant.Time  // since when the stream has been arriving, Never while it does not arrive
	lasted  time.Duration // how long it had been arriving when it ended
}

// startPlane begins to watch the streams, if the devices of this run watch streams.
func (n *node) startPlane() {
	n.plane = nil
	if n.w.opts.Arriving {
		n.plane = &plane{counts: make([]counter, len(n.w.streams)), changed: n.w.now}
		n.lookIn(time.Duration(3+4*n.index) * time.Millisecond)
	}
}

// lookIn schedules the next look after a time.
func (n *node) lookIn(d time.Duration) {
	p := n.plane
	at := n.w.now.Add(d)
	p.lookAt = at
	n.w.after(d, func() {
		if n.plane == p && n.alive() && p.lookAt == at {
			n.look()
		}
	})
}

// look reads the counters of all streams, and schedules the next look.
func (n *node) look() {
	p, now := n.plane, n.w.now
	rare := now.Sub(p.changed) > steadyTime && !slices.ContainsFunc(n.w.streams, func(s stream) bool { return !s.rhythm.regular() })
	if rare {
		n.lookIn(rareLooks)
	} else {
		n.lookIn(lookInterval)
	}
	n.w.unchanged = true
	if n.stall != nil {
		return
	}
	if p.looks++; p.looks == warmLooks {
		n.tell(device.StreamsWatched{On: true})
	}
	var seen []device.StreamSight
	p.watch.Look(now, n.reading, func(slot uint32, flows bool) { seen = append(seen, n.sight(slot, flows)) })
	if len(seen) > 0 {
		for _, s := range seen {
			n.w.logf("%s sees (%s, %s): flows %v, %d packets, pause %v", n.name, s.Source, s.Group, s.Flows, s.Packets, s.Pause)
		}
		n.tell(device.StreamsSeen{Streams: seen})
	}
}

// tell reports the result of a look to the daemon.
func (n *node) tell(ev device.Event) {
	n.w.unchanged = false
	n.handle(ev)
}

// count updates which streams arrive at the device.
func (n *node) count() {
	p := n.plane
	if p == nil {
		return
	}
	for i, s := range n.w.streams {
		c := &p.counts[i]
		if n.receives(s) == c.since.IsSet() {
			continue
		}
		if p.changed = n.w.now; c.since.IsSet() {
			r := n.reading(uint32(i))
			*c = counter{packets: r.Packets, last: r.Last, lasted: n.w.now.Sub(c.since)}
		} else {
			c.since = n.w.now
		}
		if p.lookAt.Sub(n.w.now) > lookInterval {
			n.lookIn(lookInterval)
		}
	}
}

// reading returns how many packets of a stream have arrived, and when the last one
// arrived.
func (n *node) reading(slot uint32) proof.Reading {
	c, r := n.plane.counts[slot], n.w.streams[slot].rhythm
	if c.since.IsSet() {
		before, _ := r.until(c.since)
		packets, last := r.until(n.w.now)
		if packets > before {
			return proof.Reading{Packets: c.packets + packets - before, Last: last}
		}
	}
	return proof.Reading{Packets: c.packets, Last: c.last}
}

func (n *node) sight(slot uint32, flows bool) device.StreamSight {
	now, s := n.w.now, n.plane.watch.Of(slot).Sight()
	return device.StreamSight{
		SourceGroup: n.w.streams[slot].key(), Flows: flows, Packets: s.Packets,
		Age: now.Sub(s.Last), Pause: s.Pause, PauseAge: now.Sub(s.PauseEnd),
	}
}

// watchStreams carries out the effects that concern the plane: which streams to watch,
// and which streams to look at.
func (n *node) watchStreams(todo *device.Effects) {
	p := n.plane
	if p == nil {
		return
	}
	for _, r := range todo.Routes {
		slot := n.w.slotOf(device.SourceGroup{Source: r.Source, Group: r.Group})
		switch watched := p.watch.Of(slot) != nil; {
		case r.Delete || len(r.Outgoing) == 0:
			p.watch.Remove(slot)
		case !watched:
			c := &p.counts[slot]
			arrives := c.since.IsSet()
			if *c = (counter{}); arrives {
				c.since = n.w.now
			}
			p.watch.Add(slot)
		}
	}
	for _, sg := range todo.Missed {
		if f := p.watch.Of(n.w.slotOf(sg)); f != nil {
			f.Missed()
		}
	}
	if asked := slices.Clone(todo.Look); len(asked) > 0 {
		n.w.after(lookDelay, func() { n.answer(p, asked) })
	}
}

// answer looks at the streams that the device has requested.
func (n *node) answer(p *plane, asked []device.SourceGroup) {
	if n.plane != p || !n.alive() {
		return
	}
	var seen []device.StreamSight
	for _, sg := range asked {
		slot := n.w.slotOf(sg)
		p.watch.LookAt(n.w.now, slot, n.reading, func(slot uint32, flows bool) { seen = append(seen, n.sight(slot, flows)) })
		if f := p.watch.Of(slot); f != nil {
			seen = append(seen, n.sight(slot, f.Flowing()))
		}
	}
	if len(seen) > 0 {
		for _, s := range seen {
			n.w.logf("%s looks at (%s, %s): flows %v, %d packets, pause %v ended %v ago, last %v", n.name, s.Source, s.Group, s.Flows, s.Packets, s.Pause, s.PauseAge, s.Age)
		}
		n.handle(device.StreamsSeen{Streams: seen})
	}
}

// slotOf returns the index of a stream.
func (w *World) slotOf(sg device.SourceGroup) uint32 {
	return uint32(slices.IndexFunc(w.streams, func(s stream) bool { return s.key() == sg }))
}
