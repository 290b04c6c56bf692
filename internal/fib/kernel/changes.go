package kernel

import (
	"context"
	"errors"
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
	// watchRoom is how many changes are read at once.
	watchRoom = 1024
)

// readChanges mends what the kernel tells that others have changed.
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
		if c.Removed {
			if _, ok := wanted.Route(stream); !ok {
				continue // by us
			}
		}
		p.inspect(wanted, stream)
	}
	p.tellRepairs(before)
}

// inspect asks the kernel for one route as it is now and mends it.
func (p *Plane) inspect(wanted fib.Wanted, stream device.SourceGroup) {
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

// agrees reports whether the kernel's entry is what is wanted, as far as the interfaces
// are in the table.
func (p *Plane) agrees(want *device.RouteChange, e *mroute.Entry) bool {
	r := &p.route
	if !p.translate(want, r) {
		return true
	}
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

// tellRepairs tells people what has been mended since before.
func (p *Plane) tellRepairs(before fib.Repairs) {
	restored, removed := p.repairs.Restored-before.Restored, p.repairs.Removed-before.Removed
	if restored+removed > 0 {
		p.router.Emit(event.RoutesRepaired.With(restored, removed))
	}
}
