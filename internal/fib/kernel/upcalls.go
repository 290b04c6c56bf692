package kernel

import (
	"context"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/linux/mroute"
)

// mostForgotten bounds the calls of Forget in a second. For the streams beyond that, the
// kernel delays packets for 10 s and makes no upcall in this time.
const mostForgotten = 1000

// readUpcalls reports to the router the streams for which the kernel has no route. The
// kernel delays the packets of such a stream, on every interface, until it has an entry or
// 10 s have passed. So every upcall must lead to a route or to Forget.
func (p *Plane) readUpcalls(context.Context) error {
	var forgotten allowance
	for {
		up, err := p.table.ReadUpcall()
		if err != nil {
			if p.mayReadOn("multicast routing", err) {
				continue
			}
			return nil
		}
		if up.Kind != mroute.NoCache {
			continue
		}
		stream := device.SourceGroup{Source: up.Source, Group: up.Group}
		if at := p.interfaces.all()[up.Ifindex]; at.Incoming && !p.router.StreamArrived(at.Name, stream) {
			return nil
		}
		if p.waits(stream) && forgotten.take(time.Now()) && !p.turn(func(w fib.Wanted) { p.forget(w, stream) }) {
			return nil
		}
	}
}

// waits reports whether a stream still waits for an entry of its own.
func (p *Plane) waits(stream device.SourceGroup) bool {
	_, err := p.table.Counters(stream.Source, stream.Group)
	return err != nil
}

// forget makes the kernel drop the waiting packets of a stream for which no route is
// wanted.
func (p *Plane) forget(wanted fib.Wanted, stream device.SourceGroup) {
	if want, ok := wanted.Route(stream); ok && p.translate(&want, &p.route) || !p.waits(stream) {
		return
	}
	if err := p.table.Forget(stream.Source, stream.Group); err != nil {
		p.router.Emit(event.RouteNotSet.With(stream.Source, stream.Group, true, err))
	}
}

// allowance permits an action at most mostForgotten times a second.
type allowance struct {
	since time.Time
	taken int
}

// take reports whether the action is permitted now, and counts it.
func (a *allowance) take(now time.Time) bool {
	if now.Sub(a.since) >= time.Second {
		*a = allowance{since: now}
	}
	a.taken++
	return a.taken <= mostForgotten
}
