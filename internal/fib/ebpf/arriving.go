package ebpf

import (
	"context"
	"sync/atomic"
	"time"

	"tandem/internal/device"
	"tandem/internal/instant"
	"tandem/internal/linux/clock"
	"tandem/internal/proof"
)

const (
	// lookInterval is the time between two looks at the counters of the streams.
	lookInterval = 10 * time.Millisecond
	// lookRest is how many times the processor time of a look the plane waits before the
	// next one, at least. So looking takes at most 3 % of a processor.
	lookRest = 32
	// warmUp is the time after which the flowing streams are known.
	warmUp = 150 * time.Millisecond
)

// arriving watches which of the routed streams come in. The lock of the plane guards it.
type arriving struct {
	watch         proof.Watch // the watch of the streams, by the slot of their counters
	streams       []watched   // the streams, by the same slot
	asked, missed []device.SourceGroup
	sights        []device.StreamSight // reports that have not been made yet
	wake          chan struct{}        // one signal can wait
}

type watched struct {
	stream device.SourceGroup
	before uint64 // the packet count when the watch began
}

// beginWatch begins to watch a stream.
func (p *Plane) beginWatch(k key, slot uint32) {
	a := &p.arriving
	if more := int(slot) + 1 - len(a.streams); more > 0 {
		a.streams = append(a.streams, make([]watched, more)...)
	}
	a.streams[slot] = watched{k.stream(), atomic.LoadUint64(&p.maps.streams.at(slot).packets)}
	a.watch.Add(slot)
}

// LookAt implements [fib.Plane].
func (p *Plane) LookAt(look, missed []device.SourceGroup) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arriving.asked, p.arriving.missed = append(p.arriving.asked, look...), append(p.arriving.missed, missed...)
	p.rouse()
}

// rouse makes the watching goroutine look now.
func (p *Plane) rouse() {
	select {
	case p.arriving.wake <- struct{}{}:
	default:
	}
}

// watchArriving reports to the router which streams come in.
func (p *Plane) watchArriving(ctx context.Context) error {
	timer := time.NewTimer(lookInterval)
	defer timer.Stop()
	var next time.Duration
	start, told := clock.Monotonic(), false
	var sights []device.StreamSight
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.arriving.wake:
		case <-timer.C:
		}
		began := clock.Monotonic()
		var idle bool
		worked := clock.Worked(func() { sights, idle = p.lookAtAll(began >= next, sights[:0]) })
		if began >= next {
			next = began + max(lookInterval, lookRest*worked)
		}
		if !told && began-start >= warmUp {
			if told = true; !p.router.StreamsWatched(true) {
				return nil
			}
		}
		if len(sights) > 0 && !p.router.StreamsSeen(sights) {
			return nil
		}
		if idle && told {
			timer.Reset(time.Hour) // until wake is signalled
		} else {
			timer.Reset(max(0, next-clock.Monotonic()))
		}
	}
}

// lookAtAll looks at the streams that LookAt has named, and, if all is set, at all
// streams. It adds the reports to sights. It reports whether there is no stream to look
// at.
func (p *Plane) lookAtAll(all bool, sights []device.StreamSight) (_ []device.StreamSight, idle bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return sights, true
	}
	a := &p.arriving
	a.sights = sights
	if all {
		a.watch.Look(instant.FromOrigin(clock.Monotonic()), p.reading, p.see)
	}
	for _, s := range a.missed {
		if r, ok := p.routes[keyOf(s)]; ok && a.watch.Of(r.Slot) != nil {
			a.watch.Of(r.Slot).Missed()
		}
	}
	for _, s := range a.asked {
		if r, ok := p.routes[keyOf(s)]; ok && a.watch.Of(r.Slot) != nil {
			a.watch.LookAt(instant.FromOrigin(clock.Monotonic()), r.Slot, p.reading, p.see)
			p.see(r.Slot, a.watch.Of(r.Slot).Flowing())
		}
	}
	a.asked, a.missed = a.asked[:0], a.missed[:0]
	sights, a.sights = a.sights, nil
	return sights, a.watch.Len() == 0
}

// reading reads the counters of a slot.
func (p *Plane) reading(slot uint32) proof.Reading {
	at := p.maps.streams.at(slot)
	packets := atomic.LoadUint64(&at.packets) - p.arriving.streams[slot].before
	if packets == 0 {
		return proof.Reading{}
	}
	return proof.Reading{Packets: packets, Last: instant.FromOrigin(time.Duration(atomic.LoadUint64(&at.last)))}
}

// see adds the state of a stream to the next report.
func (p *Plane) see(slot uint32, flowing bool) {
	a := &p.arriving
	now, s := instant.FromOrigin(clock.Monotonic()), a.watch.Of(slot).Sight()
	a.sights = append(a.sights, device.StreamSight{
		SourceGroup: a.streams[slot].stream, Flows: flowing, Packets: s.Packets,
		Age: now.Sub(s.Last), Pause: s.Pause, PauseAge: now.Sub(s.PauseEnd),
	})
}
