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
	// gateInterval is how often the gate is compared, as memory.
	gateInterval = 20 * time.Millisecond
	// hookInterval is how often is looked whether the program is where it belongs.
	hookInterval = 100 * time.Millisecond
	// mapInterval is how often the maps are compared, wantedInterval how often what is wanted.
	mapInterval    = time.Second
	wantedInterval = 10 * time.Second
	// auditShare bounds what the comparison of large maps costs: it rests at least so many
	// times as long as it took.
	auditShare = 49
	// longestRest is the longest rest all the same: on a busy machine a comparison takes long
	// because it waits.
	longestRest = 5 * time.Second
	// auditSlice is how many routes are looked at in one turn.
	auditSlice = 256
)

// keepComparing compares the gate and the hooks now and then.
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

// keepAuditing compares all routes now and then.
func (p *Plane) keepAuditing(ctx context.Context) error {
	var wantedAt time.Time // soon: what a predecessor has left may have changed
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

// compareWanted compares what was set with what is wanted.
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

// agrees reports whether a route is set as it is wanted, as far as its interfaces were told.
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

// lastOf tells when a stream came last, on the clock of package clock.
func (p *Plane) lastOf(k key) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.routes[k]
	if !ok {
		return 0, false
	}
	return time.Duration(atomic.LoadUint64(&p.maps.streams.at(r.Slot).last)), true
}

// restore sets a route that was not as it is wanted.
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

// compareMap compares the map of routes with what was set, and puts it right.
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

// mend looks routes up in the map and puts right what is wrong there.
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
