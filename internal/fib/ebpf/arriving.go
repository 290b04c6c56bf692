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
	// lookInterval is how often is looked at what comes in.
	lookInterval = 10 * time.Millisecond
	// lookRest is how many times as long as a look has taken the next one waits, at least. So
	// looking takes 3 % of a processor at most.
	lookRest = 32
	// warmUp is after how long the streams that flow are known.
	warmUp = 150 * time.Millisecond
)

// arriving watches which of the routed streams come in. It is guarded by the lock of the plane.
type arriving struct {
	watch         proof.Watch // by slot of the counters
	streams       []watched   // likewise
	asked, missed []device.SourceGroup
	sights        []device.StreamSight // to be told
	wake          chan struct{}        // has room for one
}

type watched struct {
	stream device.SourceGroup
	before uint64 // packets that had come when the watch began
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

// rouse has the watch look now.
func (p *Plane) rouse() {
	select {
	case p.arriving.wake <- struct{}{}:
	default:
	}
}

// watchArriving tells the router which streams come in.
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
		sights, idle = p.lookAtAll(began >= next, sights[:0])
		if took := clock.Monotonic() - began; began >= next {
			next = began + max(lookInterval, lookRest*took)
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
			timer.Reset(time.Hour) // until it is woken
		} else {
			timer.Reset(max(0, next-clock.Monotonic()))
		}
	}
}

// lookAtAll looks at the streams that were asked for, and at all if it is time, and adds what is
// to be told. It reports whether there is none to look at.
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

// see notes how a stream comes in, to be told.
func (p *Plane) see(slot uint32, flowing bool) {
	a := &p.arriving
	now, s := instant.FromOrigin(clock.Monotonic()), a.watch.Of(slot).Sight()
	a.sights = append(a.sights, device.StreamSight{
		SourceGroup: a.streams[slot].stream, Flows: flowing, Packets: s.Packets,
		Age: now.Sub(s.Last), Pause: s.Pause, PauseAge: now.Sub(s.PauseEnd),
	})
}
