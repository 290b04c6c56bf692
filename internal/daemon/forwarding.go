package daemon

import (
	"context"
	"errors"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/mroute"
	"tandem/internal/state"
)

// The kernel's forwarding table is the daemon's, yet any program with the
// capability can change it. Removals and foreign changes are told by the kernel
// and mended within watchPause; interfaces that left the table are added again
// within restoreInterval; and the whole table is compared from time to time,
// auditSlice entries in one turn, so that nothing stays wrong.

const (
	auditInterval   = 10 * time.Second
	restoreInterval = time.Second
	// auditShare bounds what the comparison of a large table costs: it rests at
	// least so many times as long as it took, and so does the kernel between two
	// parts of its list, so that a join never waits for more than one.
	auditShare = 9
	auditSlice = 256
	watchPause = 10 * time.Millisecond
	mostDoubts = 1 << 16
	// watchRoom is how many changes are taken in one turn.
	watchRoom = 1024
)

// kept is what keeps the forwarding table right.
type kept struct {
	reader  *mroute.Reader // of whoever has the turn
	watcher *mroute.Watcher
	suspect chan struct{} // asks for a comparison, has room for one
	ended   chan struct{}
	repairs state.Forwarding
	route   mroute.Route // used again and again
}

// findings are what a comparison has come upon. They wait for its end: the kernel
// passes over entries in its list when others are removed meanwhile.
type findings struct {
	doubtful, silent []device.SourceGroup
}

// full says that the rest has to wait for the next comparison.
func (f *findings) full() bool { return len(f.doubtful) >= mostDoubts }

func newKept() (*kept, error) {
	reader, err := mroute.NewReader(0)
	if err != nil {
		return nil, err
	}
	watcher, err := mroute.Watch(0)
	if err != nil {
		reader.Close()
		return nil, err
	}
	return &kept{reader: reader, watcher: watcher, suspect: make(chan struct{}, 1), ended: make(chan struct{})}, nil
}

func (k *kept) close() {
	close(k.ended)
	k.watcher.Close()
	k.reader.Close()
}

// whileOpen runs f in a turn unless this table has been given up.
func (d *Daemon) whileOpen(m *multicast, f func()) bool {
	open := false
	err := d.call(func() {
		if open = d.multicast == m; open {
			f()
		}
	})
	return err == nil && open
}

// auditTable compares the table now and then until it is given up.
func (d *Daemon) auditTable(ctx context.Context, m *multicast) error {
	reader, err := mroute.NewReader(0)
	if err != nil {
		d.emit(event.RoutesNotCompared.With(err))
		return nil
	}
	defer reader.Close()
	reader.Rest = auditShare
	tick := time.NewTicker(restoreInterval)
	defer tick.Stop()
	began := time.Now()
	notBefore, due := began, began.Add(auditInterval)
	for {
		select {
		case <-m.kept.ended:
			return nil
		case <-m.kept.suspect:
			due = notBefore
		case <-tick.C:
		}
		if !d.whileOpen(m, func() { d.restoreInterfaces(m) }) {
			return nil
		}
		if began = time.Now(); began.Before(due) {
			continue
		}
		again, err := d.audit(m, reader)
		if err != nil {
			d.emit(event.RoutesNotCompared.With(err))
		}
		rest := auditShare * time.Since(began)
		notBefore = time.Now().Add(rest)
		if due = notBefore; !again {
			due = time.Now().Add(max(auditInterval, rest))
		}
	}
}

func (d *Daemon) restoreInterfaces(m *multicast) {
	restored, err := m.table.Restore()
	if err != nil {
		d.emit(event.InterfacesNotRestored.With(err))
	}
	if restored > 0 {
		m.kept.repairs.Interfaces += uint64(restored)
		d.emit(event.InterfacesRestored.With(restored))
	}
}

// audit compares the whole table once. It says whether to do so again soon.
func (d *Daemon) audit(m *multicast, reader *mroute.Reader) (again bool, err error) {
	var before state.Forwarding
	var found findings
	var missing []device.SourceGroup
	d.whileOpen(m, func() { before = m.kept.repairs; d.device.BeginAudit() })
	slice := make([]mroute.Entry, 0, auditSlice)
	hand := func() bool {
		open := d.whileOpen(m, func() { d.auditEntries(m, slice, &found) })
		slice = slice[:0]
		return open && !found.full()
	}
	open := true
	err = reader.Each(func(e *mroute.Entry) bool {
		slice = slice[:len(slice)+1]
		last := &slice[len(slice)-1]
		outgoing := append(last.Outgoing[:0], e.Outgoing...)
		*last = *e
		last.Outgoing = outgoing
		if len(slice) == cap(slice) {
			open = hand()
		}
		return open
	})
	if err != nil {
		return false, err
	}
	if open && hand() {
		d.whileOpen(m, func() { missing = d.device.Unaudited() })
	}
	for some := range slices.Chunk(missing, auditSlice) {
		d.whileOpen(m, func() { d.findMissing(m, some) })
	}
	for some := range slices.Chunk(found.doubtful, auditSlice) {
		d.whileOpen(m, func() {
			for _, sg := range some {
				d.inspect(m, sg)
			}
		})
	}
	for some := range slices.Chunk(found.silent, auditSlice) {
		d.whileOpen(m, func() { d.device.Handle(d.now(), device.StreamsSilent{Streams: some}) })
	}
	d.whileOpen(m, func() {
		k := m.kept
		k.repairs.Audits++
		again = found.full() || k.repairs.Removed > before.Removed
		d.tellRepairs(m, before)
	})
	return again, nil
}

// auditEntries looks at some of the entries that the kernel has.
func (d *Daemon) auditEntries(m *multicast, entries []mroute.Entry, found *findings) {
	for i := range entries {
		e := &entries[i]
		if e.Unresolved {
			continue
		}
		sg := device.SourceGroup{Source: e.Source, Group: e.Group}
		want, ok := d.device.Audit(sg)
		if !ok || !d.agrees(m, want, e) {
			found.doubtful = append(found.doubtful, sg)
		} else if e.Idle >= device.KeepAlive {
			found.silent = append(found.silent, sg)
		}
	}
}

// findMissing sets those entries again that the kernel has not. Most it has only
// not told of, as others were removed meanwhile.
func (d *Daemon) findMissing(m *multicast, untold []device.SourceGroup) {
	for _, sg := range untold {
		if _, err := m.table.Counters(sg.Source, sg.Group); err != nil {
			d.inspect(m, sg)
		}
	}
}

// agrees reports whether an entry is what the device wants, as far as the
// interfaces are in the table.
func (d *Daemon) agrees(m *multicast, want device.RouteChange, e *mroute.Entry) bool {
	r := &m.kept.route
	if !d.kernelRoute(want, r) {
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

// inspect asks the kernel for one entry as it is now and mends it.
func (d *Daemon) inspect(m *multicast, sg device.SourceGroup) {
	k := m.kept
	want, wanted := d.device.Route(sg)
	if !wanted {
		if err := m.table.Delete(sg.Source, sg.Group); err == nil {
			k.repairs.Removed++
		}
		return
	}
	e, err := k.reader.Get(sg.Source, sg.Group)
	if errors.Is(err, mroute.ErrNoRoute) {
		e, err = &mroute.Entry{}, nil
	}
	if err == nil && d.agrees(m, want, e) {
		return
	}
	if err == nil && d.kernelRoute(want, &k.route) {
		err = m.table.Set(k.route)
	}
	if err == nil {
		k.repairs.Restored++
	} else {
		d.emit(event.RouteNotRepaired.With(sg.Source, sg.Group, err))
	}
}

// tellRepairs logs what has been mended since before.
func (d *Daemon) tellRepairs(m *multicast, before state.Forwarding) {
	now := &m.kept.repairs
	restored, removed := now.Restored-before.Restored, now.Removed-before.Removed
	if restored+removed > 0 {
		d.emit(event.RoutesRepaired.With(restored, removed))
	}
}

// watchTable mends what the kernel tells of until the table is given up.
func (d *Daemon) watchTable(ctx context.Context, m *multicast) error {
	room := make([]mroute.Change, 0, watchRoom)
	for {
		changed, lost, err := m.kept.watcher.Read(room)
		if err != nil {
			if d.mayReadOn(ctx, "forwarding table", err) {
				continue
			}
			return nil
		}
		if lost {
			select {
			case m.kept.suspect <- struct{}{}:
			default: // one is asked for already
			}
		}
		for some := range slices.Chunk(changed, auditSlice) {
			if !d.whileOpen(m, func() { d.inspectSome(m, some) }) {
				return nil
			}
		}
		time.Sleep(watchPause)
	}
}

func (d *Daemon) inspectSome(m *multicast, changed []mroute.Change) {
	before := m.kept.repairs
	for _, c := range changed {
		sg := device.SourceGroup{Source: c.Source, Group: c.Group}
		if c.Removed {
			if _, wanted := d.device.Route(sg); !wanted {
				continue // by us
			}
		}
		d.inspect(m, sg)
	}
	d.tellRepairs(m, before)
}

// counted adds the kernel's counters to entries that are listed in a turn. It asks for
// them outside of turns. One question an entry takes a microsecond; a list of the whole
// table takes no less and, of 100,000 entries, several times as long.
func (d *Daemon) counted(list func() []device.RouteSnapshot) []state.Route {
	var entries []device.RouteSnapshot
	var m *multicast
	_ = d.call(func() { entries, m = list(), d.multicast })
	routes := make([]state.Route, len(entries))
	for i, e := range entries {
		r := &routes[i]
		r.RouteSnapshot = e
		if m == nil {
			continue
		}
		if c, err := m.table.Counters(e.Source, e.Group); err == nil { // else it has gone meanwhile
			r.Packets, r.Bytes, r.WrongIf = c.Packets, c.Bytes, c.WrongIf
		}
	}
	return routes
}
