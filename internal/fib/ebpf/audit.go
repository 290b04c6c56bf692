package ebpf

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/linux/clock"
)

const (
	// gateInterval is the time between two comparisons of the gate, which the daemon
	// reads as memory.
	gateInterval = 20 * time.Millisecond
	// hookInterval is the time between two checks that the program is attached to each
	// interface.
	hookInterval = 100 * time.Millisecond
	// mapInterval is the time between two comparisons of the maps with what the plane has
	// set, wantedInterval between two comparisons of that with what the device wants.
	mapInterval    = time.Second
	wantedInterval = 10 * time.Second
	// auditShare limits what the comparison of large maps costs: after a comparison, the
	// plane rests at least auditShare times as long as it took.
	auditShare = 49
	// longestRest bounds this rest, because on a busy machine a comparison takes long
	// only because it has to wait for the processor.
	longestRest = 5 * time.Second
	// auditSlice is how many routes are compared in one turn.
	auditSlice = 256
)

// keepComparing compares the gate and the hooks at their intervals.
func (p *Plane) keepComparing(ctx context.Context) error {
	tick := time.NewTicker(gateInterval)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		p.keepGate(n%int(mapInterval/gateInterval) == 0)
		if n%int(hookInterval/gateInterval) == 0 {
			p.restoreHooks()
		}
	}
}

// keepAuditing compares all routes at their intervals.
func (p *Plane) keepAuditing(ctx context.Context) error {
	var wantedAt time.Time // zero: compare at once, because another program may have changed what a predecessor has left
	for {
		began := time.Now()
		if began.After(wantedAt) {
			p.compareWanted()
			wantedAt = time.Now().Add(max(wantedInterval, auditShare*time.Since(began)))
		}
		if err := p.compareMap(); err != nil && ctx.Err() == nil {
			p.router.Emit(event.RoutesNotCompared.With(err))
		}
		timer := time.NewTimer(min(max(mapInterval, auditShare*time.Since(began)), longestRest))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// compareWanted compares the routes that were set with those that the device wants.
func (p *Plane) compareWanted() {
	var silent, missing []device.SourceGroup
	p.turn(func(w fib.Wanted) { w.BeginAudit() })
	for some := range slices.Chunk(p.allKeys(), auditSlice) {
		if !p.turn(func(w fib.Wanted) { silent = append(silent, p.compareSome(w, some)...) }) {
			return
		}
	}
	p.turn(func(w fib.Wanted) { missing = w.Unaudited() })
	for some := range slices.Chunk(missing, auditSlice) {
		p.turn(func(w fib.Wanted) {
			for _, s := range some {
				if want, ok := w.Route(s); ok {
					p.restore(want)
				}
			}
		})
	}
	for some := range slices.Chunk(silent, auditSlice) {
		p.router.StreamsSilent(some)
	}
	p.mu.Lock()
	p.repairs.Audits++
	p.mu.Unlock()
}

func (p *Plane) allKeys() []key {
	p.mu.Lock()
	defer p.mu.Unlock()
	keys := make([]key, 0, len(p.routes))
	for k := range p.routes {
		keys = append(keys, k)
	}
	return keys
}

// compareSome compares some routes and returns the streams that are silent.
func (p *Plane) compareSome(w fib.Wanted, keys []key) (silent []device.SourceGroup) {
	now := clock.Monotonic()
	for _, k := range keys {
		s := k.stream()
		want, ok := w.Audit(s)
		if !ok {
			want = device.RouteChange{Source: s.Source, Group: s.Group, Delete: true}
		}
		if !p.agrees(k, &want) {
			p.restore(want)
		} else if last, there := p.lastOf(k); there && now-last >= device.KeepAlive {
			silent = append(silent, s)
		}
	}
	return silent
}

// agrees reports whether a route is set as the device wants it, for the interfaces that
// the plane has.
func (p *Plane) agrees(k key, want *device.RouteChange) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	is, set := p.routes[k]
	if want.Delete {
		return !set
	}
	b := p.newBatch()
	defer b.end()
	r, fits, err := b.translate(want)
	return err != nil || !fits || set && is.list == r.list && is.Incoming == r.Incoming
}

// lastOf returns when the last packet of a stream came, on the clock of package clock.
func (p *Plane) lastOf(k key) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.routes[k]
	if !ok {
		return 0, false
	}
	return time.Duration(atomic.LoadUint64(&p.maps.streams.at(r.Slot).last)), true
}

// restore sets a route that was not set as the device wants it.
func (p *Plane) restore(want device.RouteChange) {
	set := p.SetRoutes([]device.RouteChange{want})
	p.mu.Lock()
	defer p.mu.Unlock()
	if want.Delete {
		p.repairs.Removed++
	} else {
		p.repairs.Restored += uint64(set)
	}
}

// compareMap compares the map of routes with the routes that were set, and repairs
// differences.
func (p *Plane) compareMap() error {
	var doubtful []key
	seen, reader := 0, newReader[route]()
	for more := true; more; {
		p.mu.Lock()
		if p.ctx.Err() != nil {
			p.mu.Unlock()
			return nil
		}
		keys, values, end, err := reader.next(p.maps.routes)
		for i, k := range keys {
			if is, set := p.routes[k]; !set || is.route != values[i] {
				doubtful = append(doubtful, k)
			}
		}
		missing := end && seen+len(keys) < len(p.routes)
		p.mu.Unlock()
		if err != nil {
			return err
		}
		if seen, more = seen+len(keys), !end; missing {
			doubtful = append(doubtful, p.allKeys()...)
		}
	}
	return p.mend(doubtful)
}

// mend reads single routes from the map and repairs those that differ.
func (p *Plane) mend(doubtful []key) (err error) {
	var restored, removed uint64
	for some := range slices.Chunk(doubtful, auditSlice) {
		p.mu.Lock()
		for _, k := range some {
			if p.ctx.Err() != nil || err != nil {
				break
			}
			var got route
			there := p.maps.routes.Lookup(k, &got) == nil
			is, set := p.routes[k]
			switch {
			case set && (!there || got != is.route):
				err = p.maps.routes.Put(k, is.route)
				restored++
			case !set && there:
				err = p.maps.routes.Delete(k)
				removed++
			}
		}
		p.mu.Unlock()
	}
	if restored+removed > 0 {
		p.mu.Lock()
		p.repairs.Restored += restored
		p.repairs.Removed += removed
		p.mu.Unlock()
		p.router.Emit(event.RoutesRepaired.With(restored, removed))
	}
	return err
}
