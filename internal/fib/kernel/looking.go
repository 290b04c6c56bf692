package kernel

import (
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/instant"
	"tandem/internal/linux/arrivals"
	"tandem/internal/linux/clock"
	"tandem/internal/proof"
)

// This file contains the work of the goroutine that looks at the streams of [arriving].

// follow begins and ends the watch of noted streams, at most watchAtOnce in one call. It
// returns true when no noted stream is left.
func (a *arriving) follow() bool {
	var add []arrivals.Stream
	a.mu.Lock()
	some := min(watchAtOnce, len(a.order))
	batch := slices.Clone(a.order[:some])
	wanted := make([]noted, some)
	for i, s := range batch {
		wanted[i] = a.noted[s]
		delete(a.noted, s)
	}
	a.order = a.order[some:]
	left := len(a.order)
	a.mu.Unlock()
	for i, s := range batch {
		at, watched := a.slots[s]
		if watched && at.ifindex == wanted[i].ifindex && !wanted[i].anew {
			continue
		}
		if watched {
			a.forget(s, at)
		}
		if wanted[i].ifindex != 0 && a.finder == nil {
			add = append(add, arrivals.Stream{Source: s.Source, Group: s.Group, Interface: wanted[i].ifindex})
		}
	}
	a.begin(add)
	return left == 0
}

// find begins to watch the routed streams whose packets arrive. The router may delete the
// route of a stream at the same time, when the stream is not in slots yet. So find reads
// the forwarding table again afterwards, and ends the watch of a stream that has lost its
// route.
func (a *arriving) find() {
	if a.finder == nil {
		return
	}
	var found []arrivals.Stream
	a.finder.Unobserved(foundAtOnce, func(s arrivals.Stream) {
		stream := device.SourceGroup{Source: s.Source, Group: s.Group}
		if _, watched := a.slots[stream]; !watched && a.routed(stream) {
			found = append(found, s)
		}
	})
	a.begin(found)
	for _, s := range found {
		stream := device.SourceGroup{Source: s.Source, Group: s.Group}
		if at, watched := a.slots[stream]; watched && !a.routed(stream) {
			a.forget(stream, at)
		}
	}
}

// routed reports whether the stream has an outgoing interface and arrives on the incoming
// interface of its route.
func (a *arriving) routed(stream device.SourceGroup) bool {
	a.mu.Lock()
	unwanted := a.unwanted[stream]
	a.mu.Unlock()
	if unwanted {
		return false
	}
	n, err := a.table.Counters(stream.Source, stream.Group)
	return err == nil && n.Packets > n.WrongIf // the kernel counts WrongIf in Packets, too
}

// begin starts the watch of streams.
func (a *arriving) begin(streams []arrivals.Stream) {
	if len(streams) == 0 {
		return
	}
	slots, err := a.observer.Add(streams)
	if err != nil {
		a.blind = true
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, s := range streams {
		slot := slots[i]
		if more := int(slot) + 1 - len(a.streams); more > 0 {
			a.streams = append(a.streams, make([]device.SourceGroup, more)...)
		}
		stream := device.SourceGroup{Source: s.Source, Group: s.Group}
		a.streams[slot], a.slots[stream] = stream, place{slot, s.Interface}
		a.watch.Add(uint32(slot))
	}
}

// forget ends the watch of a stream.
func (a *arriving) forget(s device.SourceGroup, at place) {
	a.watch.Remove(uint32(at.slot))
	a.mu.Lock()
	delete(a.slots, s)
	a.mu.Unlock()
	_ = a.observer.Remove(arrivals.Stream{Source: s.Source, Group: s.Group, Interface: at.ifindex}, at.slot) // cannot fail: the stream was observed
}

// look reads the counters of all streams. It collects the streams that have begun to flow
// or have become silent.
func (a *arriving) look(now time.Duration) {
	a.watch.Look(instant.FromOrigin(now), a.read, a.see)
}

// answer reports the state of the streams that were passed to ask.
func (a *arriving) answer() {
	a.mu.Lock()
	asked, missed := a.asked, a.missed
	a.asked, a.missed = nil, nil
	a.mu.Unlock()
	for _, s := range missed {
		if at, watched := a.slots[s]; watched {
			a.watch.Of(uint32(at.slot)).Missed()
		}
	}
	for _, s := range asked {
		if at, watched := a.slots[s]; watched {
			slot := uint32(at.slot)
			a.watch.LookAt(instant.FromOrigin(clock.Monotonic()), slot, a.read, a.see)
			a.see(slot, a.watch.Of(slot).Flowing())
		} else if a.finder != nil {
			a.sights = append(a.sights, device.StreamSight{SourceGroup: s}) // no packet of this stream has arrived
		}
	}
}

func (a *arriving) read(slot uint32) proof.Reading {
	packets, last := a.observer.At(arrivals.Slot(slot))
	if last == 0 {
		return proof.Reading{Packets: packets}
	}
	return proof.Reading{Packets: packets, Last: instant.FromOrigin(last)}
}

// see adds the state of a stream to the next report.
func (a *arriving) see(slot uint32, flowing bool) {
	now := instant.FromOrigin(clock.Monotonic())
	s := a.watch.Of(slot).Sight()
	a.sights = append(a.sights, device.StreamSight{
		SourceGroup: a.streams[slot], Flows: flowing, Packets: s.Packets,
		Age: now.Sub(s.Last), Pause: s.Pause, PauseAge: now.Sub(s.PauseEnd),
	})
}

// tell reports the collected streams to the router. It returns false when the router has
// ended.
func (a *arriving) tell() bool {
	if watching := !a.blind && a.warm >= warmLooks; watching != a.told {
		a.told = watching
		if !a.router.StreamsWatched(watching) {
			return false
		}
	}
	if len(a.sights) == 0 {
		return true
	}
	more := a.router.StreamsSeen(a.sights)
	a.sights = a.sights[:0]
	return more
}
