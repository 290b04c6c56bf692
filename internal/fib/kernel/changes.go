package kernel

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/linux/mroute"
	"tandem/internal/task"
)

const (
	watchPause = 10 * time.Millisecond
	// watchRoom is how many changes one read returns at most.
	watchRoom = 1024
)

// readChanges reads the kernel's notices of changes by others, and repairs these changes.
func (p *Plane) readChanges(ctx context.Context) error {
	room := make([]mroute.Change, 0, watchRoom)
	for {
		changed, lost, err := p.watcher.Read(room)
		if err != nil {
			if p.mayReadOn("forwarding table", err) {
				continue
			}
			return nil
		}
		if lost {
			p.askForAudit()
		}
		for some := range slices.Chunk(changed, auditSlice) {
			if !p.turn(func(wanted fib.Wanted) { p.inspectChanged(wanted, some) }) {
				return nil
			}
		}
		if !task.Pause(ctx, watchPause) {
			return nil
		}
	}
}

func (p *Plane) inspectChanged(wanted fib.Wanted, changed []mroute.Change) {
	before := p.repairs
	for _, c := range changed {
		stream := device.SourceGroup{Source: c.Source, Group: c.Group}
		if c.Removed && stream != anyStream {
			if _, ok := wanted.Route(stream); !ok {
				continue // the plane itself has removed this route
			}
		}
		p.inspect(wanted, stream)
	}
	p.tellRepairs(before)
}

// inspect reads one route from the kernel and repairs it.
func (p *Plane) inspect(wanted fib.Wanted, stream device.SourceGroup) {
	if stream == anyStream {
		p.inspectDiscard()
		return
	}
	want, ok := wanted.Route(stream)
	if !ok {
		if err := p.table.Delete(stream.Source, stream.Group); err == nil {
			p.repairs.Removed++
		}
		return
	}
	e, err := p.reader.Get(stream.Source, stream.Group)
	if errors.Is(err, mroute.ErrNoRoute) {
		e, err = &mroute.Entry{}, nil
	}
	if err == nil && p.agrees(&want, e) {
		return
	}
	if err == nil && p.translate(&want, &p.route) {
		err = p.table.Set(p.route)
	}
	if err == nil {
		p.repairs.Restored++
	} else {
		p.router.Emit(event.RouteNotRepaired.With(stream.Source, stream.Group, err))
	}
}

// anyStream denotes the entry by which the table discards packets, see
// [mroute.Table.Discard].
var anyStream = device.SourceGroup{Source: netip.IPv6Unspecified(), Group: netip.IPv6Unspecified()}

// inspectDiscard is inspect for the entry of anyStream.
func (p *Plane) inspectDiscard() {
	if !p.interfaces.told {
		return // the predecessor's entry, which SetInterfaces will replace
	}
	want := p.table.Discarding()
	e, err := p.reader.Get(anyStream.Source, anyStream.Group)
	if wanted := len(want.Outgoing) > 0; err == nil && wanted && same(&want, e) || err != nil && !wanted {
		return
	}
	if err := p.table.Discard(want.Outgoing); err != nil {
		p.router.Emit(event.RouteNotRepaired.With(anyStream.Source, anyStream.Group, err))
		return
	}
	p.repairs.Restored++
}

// agrees reports whether the kernel's entry agrees with the wanted route. It ignores
// interfaces that are not in the kernel's table.
func (p *Plane) agrees(want *device.RouteChange, e *mroute.Entry) bool {
	return !p.translate(want, &p.route) || same(&p.route, e)
}

// same reports whether the kernel's entry is the same as a route.
func same(r *mroute.Route, e *mroute.Entry) bool {
	if e.Upstream != r.Upstream || len(e.Outgoing) != len(r.Outgoing) {
		return false
	}
	for _, index := range r.Outgoing {
		if !slices.Contains(e.Outgoing, index) {
			return false
		}
	}
	return true
}

// tellRepairs emits an event if the plane has repaired anything since before.
func (p *Plane) tellRepairs(before fib.Repairs) {
	restored, removed := p.repairs.Restored-before.Restored, p.repairs.Removed-before.Removed
	if restored+removed > 0 {
		p.router.Emit(event.RoutesRepaired.With(restored, removed))
	}
}
