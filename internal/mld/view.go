package mld

import (
	"iter"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// Get returns the record of a key, false if there is none. It may be a tombstone. Its
// sources must not be modified.
func (r *Router) Get(now instant.Time, key Key) (Record, bool) {
	if id := r.store.lookup(key); id != 0 {
		return r.view(now, r.store.records.At(id)), true
	}
	return Record{}, false
}

// Records yields all records, tombstones included, in an order that depends only on the
// history of the database, so a replay has the same order. The router must not be
// modified during the iteration, and the sources of the records never.
func (r *Router) Records(now instant.Time) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for id := uint32(1); id <= r.store.records.Top(); id++ {
			if rec := r.store.records.At(id); rec.group != 0 && !yield(r.view(now, rec)) {
				return
			}
		}
	}
}

func (r *Router) view(now instant.Time, rec *record) Record {
	return Record{
		Key:     Key{r.store.groups.At(rec.group).addr, r.store.hosts.At(rec.host).addr},
		Filter:  Filter{rec.mode(), r.store.lists.get(rec.list)},
		Version: r.store.version(rec),
		V1:      rec.flags&isV1 != 0,
		Deleted: !rec.live(),
		Left:    r.left(rec, now),
	}
}

// left returns the time until a record expires. For a retained record it is the time that
// the record would have if retention ended now.
func (r *Router) left(rec *record, now instant.Time) time.Duration {
	return r.endOf(rec, now).Left(now)
}

// GroupState returns a snapshot of a group of Groups, for displays.
func (r *Router) GroupState(now instant.Time, group netip.Addr) (GroupState, bool) {
	s := GroupState{Group: group, Filter: r.Filter(group)}
	i, static := slices.BinarySearchFunc(r.static, group, staticGroup.compare)
	if static {
		s.Static, s.Uptime = r.static[i].filter, now.Sub(r.static[i].since)
	}
	if r.hasListeners(group) {
		r.showHosts(now, r.store.groups.At(r.store.findGroup(group)), &s)
		s.Denied = s.Filter.Empty() && r.cfg.GroupPolicy != nil
		return s, true
	}
	return s, static
}

// showHosts fills in the part of a GroupState that comes from the group's records.
func (r *Router) showHosts(now instant.Time, g *group, s *GroupState) {
	s.Uptime, s.V1HostPresent = max(s.Uptime, now.Sub(g.since)), g.v1Until.Left(now)
	if g.reporter != 0 {
		s.LastReporter = r.store.hosts.At(g.reporter).addr
	}
	for id := g.records.First; id != 0; id = r.store.records.At(id).links.Next {
		if r.store.records.At(id).live() {
			h := r.hostState(now, g, id)
			s.Expires = max(s.Expires, h.Expires)
			s.Hosts = append(s.Hosts, h)
		}
	}
	slices.SortFunc(s.Hosts, func(a, b HostState) int { return a.Host.Compare(b.Host) })
	s.LastListenerQueriesLeft, s.LastListenerQueryIn = g.leave.remaining(now)
}

func (r *Router) hostState(now instant.Time, g *group, id uint32) HostState {
	rec := r.store.records.At(id)
	h := HostState{
		Host:    r.store.hosts.At(rec.host).addr,
		Filter:  r.store.filter(id),
		V1:      rec.flags&isV1 != 0,
		Age:     max(now.Sub(rec.heard), 0),
		Expires: r.left(rec, now),
		Origin:  r.store.devices[rec.device],
	}
	if h.Filter.Mode == Exclude {
		h.Mapped, _ = r.cfg.maps(g.addr, anySource)
	}
	return h
}

// remaining returns how many last listener queries are still to be sent, at most, and when
// the next one is.
func (l *pendingLeave) remaining(now instant.Time) (left int, in time.Duration) {
	if l == nil {
		return 0, 0
	}
	var next instant.Time
	consider := func(a QuerySchedule) {
		if a.Left > 0 {
			left = max(left, a.Left)
			next = instant.Earliest(next, a.Next)
		}
	}
	consider(l.Group)
	for _, s := range l.Sources {
		consider(s.QuerySchedule)
	}
	return left, next.Left(now)
}

// State returns a snapshot of the interface, for displays.
func (r *Router) State(now instant.Time) InterfaceState {
	s := InterfaceState{
		Config: r.cfg, InUse: r.inUse, Duty: r.kept.Querier.Duty,
		LinkLocal: r.kept.LinkLocal, Up: r.kept.Up,
		Querier: r.kept.Querier.Other, IsQuerier: r.IsQuerier(),
		Groups: r.groupCount(), Records: r.store.liveRecords, Entries: r.store.entries,
		Counters: r.kept.Counters, ForeignQuerier: r.kept.Querier.Foreign,
	}
	if s.IsQuerier {
		s.Querier = r.kept.LinkLocal
		s.GeneralQueryIn = r.kept.Querier.Next.Left(now)
	}
	if r.kept.Querier.Other.IsValid() {
		s.OtherQuerierPresent = r.kept.Querier.OtherUntil.Left(now)
	}
	return s
}
