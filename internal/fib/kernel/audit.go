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
	// auditShare limits what the comparison of a large table costs. After a comparison,
	// the next one waits at least auditShare times as long as it took. Between two parts
	// of the kernel's list the audit pauses in the same proportion, so a join waits for
	// one part at most.
	auditShare = 9
	// auditSlice is how many routes are compared in one turn.
	auditSlice = 256
	mostDoubts = 1 << 16
)

// askForAudit requests a comparison of all routes.
func (p *Plane) askForAudit() {
	select {
	case p.suspect <- struct{}{}:
	default: // an audit is already requested
	}
}

// keepAuditing compares all routes from time to time.
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

// audit is one comparison of all routes. It repairs nothing before the end of the list,
// because the kernel skips entries of the list when other entries are removed during the
// listing.
type audit struct {
	*Plane
	slice            []mroute.Entry // entries read and not yet compared
	doubtful, silent []device.SourceGroup
	discards         int // number of entries for anyStream that the kernel has listed
}

// auditAll compares all routes once. It reports whether another audit is needed soon.
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
		for ; a.discards > 1; a.discards-- { // if there are several, some belong to another program
			_ = p.table.Delete(anyStream.Source, anyStream.Group)
		}
		p.inspectDiscard()
		p.repairs.Audits++
		again = a.full() || p.repairs.Removed > before.Removed
		p.tellRepairs(before)
	})
	return again, nil
}

// full reports whether there is no room for more doubtful entries. The next audit finds the
// rest.
func (a *audit) full() bool { return len(a.doubtful) >= mostDoubts }

// readAll compares the entries that the kernel lists, a slice in each turn. It reports
// whether it has read the whole list.
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

// compareSlice compares the entries that were read, and reports whether to read on.
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
		a.discards++ // inspected at the end of the audit in any case
		return
	}
	want, ok := wanted.Audit(stream)
	if !ok || !a.agrees(&want, e) {
		a.doubtful = append(a.doubtful, stream)
	} else if e.Idle >= device.KeepAlive {
		a.silent = append(a.silent, stream)
	}
}

// findMissing sets a route again if the kernel does not have it. Most routes that are not
// in the list exist: the kernel has skipped them because others were removed.
func (a *audit) findMissing(wanted fib.Wanted, stream device.SourceGroup) {
	if _, err := a.table.Counters(stream.Source, stream.Group); err != nil {
		a.inspect(wanted, stream)
	}
}

// inSlices calls do for each stream, auditSlice of them in each turn.
func (a *audit) inSlices(streams []device.SourceGroup, do func(fib.Wanted, device.SourceGroup)) {
	for some := range slices.Chunk(streams, auditSlice) {
		a.turn(func(wanted fib.Wanted) {
			for _, stream := range some {
				do(wanted, stream)
			}
		})
	}
}
