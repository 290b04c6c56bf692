package mld

import (
	"iter"
	"net/netip"
	"slices"
	"time"
)

// Filter returns what has to be sent for a group: the union of its live records.
func (r *Router) Filter(group netip.Addr) Filter {
	if gid := r.store.findGroup(group); gid != 0 {
		return r.store.groups.at(gid).filter()
	}
	return Filter{}
}

// Wants reports whether a stream has to be sent on the interface.
func (r *Router) Wants(group, source netip.Addr) bool {
	gid := r.store.findGroup(group)
	return gid != 0 && r.store.groups.at(gid).wants(source)
}

// Get returns the record of a key, tombstones included. Its sources must not be modified.
func (r *Router) Get(key Key) (Record, bool) {
	if id := r.store.lookup(key); id != 0 {
		return r.view(r.store.records.at(id)), true
	}
	return Record{}, false
}

// Records yields every record, tombstones included, in an order that depends only
// on the history of the database. Their sources must not be modified, nor the
// router during the iteration.
func (r *Router) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for id := uint32(1); id <= r.store.records.top; id++ {
			if rec := r.store.records.at(id); rec.group != 0 && !yield(r.view(rec)) {
				return
			}
		}
	}
}

// Groups yields every group that has a live record. The router must not be
// modified during the iteration.
func (r *Router) Groups() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for id := uint32(1); id <= r.store.groups.top; id++ {
			if g := r.store.groups.at(id); g.live > 0 && !yield(g.addr) {
				return
			}
		}
	}
}

func (r *Router) view(rec *record) Record {
	return Record{
		Key:     Key{r.store.groups.at(rec.group).addr, r.store.hosts.at(rec.host).addr},
		Filter:  Filter{rec.mode(), r.store.list(rec.list)},
		Version: r.store.version(rec),
		V1:      rec.flags&isV1 != 0,
		Deleted: !rec.live(),
		Left:    r.left(rec, r.now),
	}
}

// left is how long a record has to live. A held record will get a full interval.
func (r *Router) left(rec *record, now time.Duration) time.Duration {
	if r.isHeld(rec) {
		return r.inUse.ListeningInterval()
	}
	return max(rec.expires-now, 0)
}

// GroupState returns a snapshot of a group with live records, for displays.
func (r *Router) GroupState(now time.Duration, group netip.Addr) (GroupState, bool) {
	gid := r.store.findGroup(group)
	if gid == 0 || r.store.groups.at(gid).live == 0 {
		return GroupState{}, false
	}
	g := r.store.groups.at(gid)
	s := GroupState{Group: group, Filter: g.filter(), Uptime: now - g.since, V1HostPresent: max(g.v1Until-now, 0)}
	if g.reporter != 0 {
		s.LastReporter = r.store.hosts.at(g.reporter).addr
	}
	for id := g.first; id != 0; id = r.store.records.at(id).gnext {
		rec := r.store.records.at(id)
		if !rec.live() {
			continue
		}
		h := HostState{
			Host:    r.store.hosts.at(rec.host).addr,
			Filter:  r.store.filter(id),
			V1:      rec.flags&isV1 != 0,
			Age:     max(now-rec.heard, 0),
			Expires: r.left(rec, now),
			Origin:  r.store.devices[rec.device],
		}
		s.Expires = max(s.Expires, h.Expires)
		s.Hosts = append(s.Hosts, h)
	}
	slices.SortFunc(s.Hosts, func(a, b HostState) int { return a.Host.Compare(b.Host) })
	s.LastListenerQueriesLeft, s.LastListenerQueryIn = g.leave.remaining(now)
	return s, true
}

// remaining returns how many more times hosts will be asked, and when next.
func (l *leaving) remaining(now time.Duration) (left int, in time.Duration) {
	if l == nil {
		return 0, 0
	}
	next := time.Duration(0)
	note := func(a asking) {
		if a.left > 0 {
			left = max(left, a.left)
			if next == 0 || a.next < next {
				next = a.next
			}
		}
	}
	note(l.group)
	for _, s := range l.sources {
		note(s.asking)
	}
	return left, max(next-now, 0)
}

// State returns a snapshot of the interface, for displays.
func (r *Router) State(now time.Duration) InterfaceState {
	s := InterfaceState{
		Config: r.cfg, InUse: r.inUse, Duty: r.querier.duty,
		LinkLocal: r.linkLocal, Up: r.up,
		Querier: r.querier.other, IsQuerier: r.IsQuerier(),
		Groups: r.store.liveGroups, Records: r.store.liveRecords,
		Counters: r.counters,
	}
	if s.IsQuerier {
		s.Querier = r.linkLocal
		s.GeneralQueryIn = max(r.querier.next-now, 0)
	}
	if r.querier.other.IsValid() {
		s.OtherQuerierPresent = max(r.querier.otherUntil-now, 0)
	}
	return s
}
