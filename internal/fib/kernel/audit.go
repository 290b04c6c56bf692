package kernel

import (
	"context"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/linux/mroute"
)

const (
	auditInterval   = 10 * time.Second
	restoreInterval = time.Second
	// auditShare bounds what the comparison of a large table costs: it rests at
	// least so many times as long as it took, and so does the kernel between two
	// parts of its list, so that a join never waits for more than one.
	auditShare = 9
	// auditSlice is how many routes are looked at in one turn.
	auditSlice = 256
	mostDoubts = 1 << 16
)

// askForAudit has all routes compared soon.
func (p *Plane) askForAudit() {
	select {
	case p.suspect <- struct{}{}:
	default: // one is asked for already
	}
}

// keepAuditing compares all routes now and then.
func (p *Plane) keepAuditing(ctx context.Context) error {
	p.lister.Rest = auditShare
	tick := time.NewTicker(restoreInterval)
	defer tick.Stop()
	began := time.Now()
	notBefore, due := began, began.Add(auditInterval)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.suspect:
			due = notBefore
		case <-tick.C:
		}
		if !p.turn(func(fib.Wanted) { p.restoreInterfaces() }) {
			return nil
		}
		if began = time.Now(); began.Before(due) {
			continue
		}
		again, err := p.auditAll(ctx)
		if err != nil && ctx.Err() == nil {
			p.router.Emit(event.RoutesNotCompared.With(err))
		}
		rest := auditShare * time.Since(began)
		notBefore = time.Now().Add(rest)
		if due = notBefore; !again {
			due = time.Now().Add(max(auditInterval, rest))
		}
	}
}

// audit is one comparison of all routes. What it comes upon waits for the end of the
// list: the kernel passes over entries when others are removed meanwhile.
type audit struct {
	*Plane
	slice            []mroute.Entry // read and not yet looked at
	doubtful, silent []device.SourceGroup
	discards         int // entries of anyStream
}

// auditAll compares all routes once. It reports whether to do so again soon.
func (p *Plane) auditAll(ctx context.Context) (again bool, err error) {
	a := &audit{Plane: p, slice: make([]mroute.Entry, 0, auditSlice)}
	var before fib.Repairs
	var missing []device.SourceGroup
	p.turn(func(wanted fib.Wanted) { before = p.repairs; wanted.BeginAudit() })
	whole, err := a.readAll(ctx)
	if err != nil {
		return false, err
	}
	if whole {
		p.turn(func(wanted fib.Wanted) { missing = wanted.Unaudited() })
	}
	a.inSlices(missing, a.findMissing)
	a.inSlices(a.doubtful, p.inspect)
	for some := range slices.Chunk(a.silent, auditSlice) {
		p.router.StreamsSilent(some)
	}
	p.turn(func(fib.Wanted) {
		for ; a.discards > 1; a.discards-- { // somebody else's, too
			_ = p.table.Delete(anyStream.Source, anyStream.Group)
		}
		p.inspectDiscard()
		p.repairs.Audits++
		again = a.full() || p.repairs.Removed > before.Removed
		p.tellRepairs(before)
	})
	return again, nil
}

// full says that the rest has to wait for the next comparison.
func (a *audit) full() bool { return len(a.doubtful) >= mostDoubts }

// readAll looks at what the kernel lists, some entries in a turn, and reports whether it
// has come to the end.
func (a *audit) readAll(ctx context.Context) (whole bool, err error) {
	whole = true
	err = a.lister.Each(ctx, func(e *mroute.Entry) bool {
		a.slice = a.slice[:len(a.slice)+1]
		last := &a.slice[len(a.slice)-1]
		outgoing := append(last.Outgoing[:0], e.Outgoing...)
		*last = *e
		last.Outgoing = outgoing
		if len(a.slice) == cap(a.slice) {
			whole = a.compareSlice()
		}
		return whole
	})
	return whole && err == nil && a.compareSlice(), err
}

// compareSlice looks at the entries that were read, and reports whether to read on.
func (a *audit) compareSlice() bool {
	open := a.turn(func(wanted fib.Wanted) {
		for i := range a.slice {
			a.compare(wanted, &a.slice[i])
		}
	})
	a.slice = a.slice[:0]
	return open && !a.full()
}

func (a *audit) compare(wanted fib.Wanted, e *mroute.Entry) {
	if e.Unresolved {
		return
	}
	stream := device.SourceGroup{Source: e.Source, Group: e.Group}
	if stream == anyStream {
		a.discards++ // inspected in any case
		return
	}
	want, ok := wanted.Audit(stream)
	if !ok || !a.agrees(&want, e) {
		a.doubtful = append(a.doubtful, stream)
	} else if e.Idle >= device.KeepAlive {
		a.silent = append(a.silent, stream)
	}
}

// findMissing sets a route again that the kernel has not. Most it has only not listed, as
// others were removed meanwhile.
func (a *audit) findMissing(wanted fib.Wanted, stream device.SourceGroup) {
	if _, err := a.table.Counters(stream.Source, stream.Group); err != nil {
		a.inspect(wanted, stream)
	}
}

// inSlices does something for each stream, auditSlice of them in a turn.
func (a *audit) inSlices(streams []device.SourceGroup, do func(fib.Wanted, device.SourceGroup)) {
	for some := range slices.Chunk(streams, auditSlice) {
		a.turn(func(wanted fib.Wanted) {
			for _, stream := range some {
				do(wanted, stream)
			}
		})
	}
}
