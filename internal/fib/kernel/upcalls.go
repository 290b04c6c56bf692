package kernel

import (
	"context"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/linux/mroute"
)

// mostForgotten is how many streams without an answer are forgotten in a second. The kernel holds
// up more than those for 10 s, and does not ask about them again meanwhile.
const mostForgotten = 1000

// readUpcalls tells the router of streams that the kernel has no route for. The kernel holds up
// the packets of such a stream, wherever they come in, until it has an entry or 10 s are
// over. So none is left without an answer.
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

// forget ends that a stream waits which is to have no entry.
func (p *Plane) forget(wanted fib.Wanted, stream device.SourceGroup) {
	if want, ok := wanted.Route(stream); ok && p.translate(&want, &p.route) || !p.waits(stream) {
		return
	}
	if err := p.table.Forget(stream.Source, stream.Group); err != nil {
		p.router.Emit(event.RouteNotSet.With(stream.Source, stream.Group, true, err))
	}
}

// allowance counts what may be done mostForgotten times a second.
type allowance struct {
	since time.Time
	taken int
}

// take reports whether it may be done once more.
func (a *allowance) take(now time.Time) bool {
	if now.Sub(a.since) >= time.Second {
		*a = allowance{since: now}
	}
	a.taken++
	return a.taken <= mostForgotten
}
