package mld

import (
	"net/netip"
	"slices"

	"tandem/internal/table"
)

// admit returns the part of a host's filter that the group policy permits. It counts what
// it refuses, and returns false if nothing remains.
func (r *Router) admit(group netip.Addr, f Filter) (Filter, bool) {
	switch {
	case r.cfg.GroupPolicy == nil || f.Empty():
		return f, true
	case f.Mode == Exclude:
		if !r.permitsOpen(group) {
			r.kept.Counters.Drops.Count(DropPolicy)
			return f, false
		}
		return f, true
	}
	permitted := slices.DeleteFunc(f.Sources, func(a netip.Addr) bool { return !r.cfg.permits(group, a) })
	if len(permitted) < len(f.Sources) {
		r.kept.Counters.Drops.Count(DropPolicy)
	}
	return Filter{Include, permitted}, true
}

// permitsOpen reports whether the policy permits any source of a group to a host that
// names no sources.
func (r *Router) permitsOpen(group netip.Addr) bool {
	if mapped := r.cfg.mappedSources(group); len(mapped) > 0 {
		return slices.ContainsFunc(mapped, func(a netip.Addr) bool { return r.cfg.permits(group, a) })
	}
	return r.cfg.permits(group, anySource)
}

// SetRoom bounds the number of live records of hosts on the interface. The caller uses it
// to share one bound between interfaces. A negative n is no bound. Records merged from the
// peer are not subject to it.
func (r *Router) SetRoom(n int) { r.room = n }

// Hosts returns the number of live records of hosts.
func (r *Router) Hosts() int { return r.store.liveRecords }

// Refused returns how many group records the configuration or its bounds have refused.
func (r *Router) Refused() uint64 {
	d := &r.kept.Counters.Drops
	return d.Limit + d.Policy + d.Access
}

// maxRecords bounds the records of an interface. It leaves room in the tables for the
// groups, hosts and lists of the records.
const maxRecords = table.MaxEntries / 2

// exceeds reports whether a record with the new filter would exceed a bound, and which one.
func (r *Router) exceeds(group netip.Addr, id uint32, old, next Filter) (DropCause, bool) {
	n := r.store.records.Len()
	switch {
	case id == 0 && (n >= maxRecords || r.cfg.MaxRecords > 0 && n >= r.cfg.MaxRecords):
		return DropLimit, true
	case r.room >= 0 && old.Empty() && r.store.liveRecords >= r.room:
		return DropLimit, true
	case r.cfg.MaxSources > 0 && len(next.Sources) > max(r.cfg.MaxSources, len(old.Sources)):
		return DropLimit, true
	case r.cfg.AccessLimit > 0:
		gained, lost := r.store.entryChange(group, old, next)
		return DropAccess, gained > 0 && r.store.entries+gained-lost > r.cfg.AccessLimit
	}
	return 0, false
}

// onlyRemoves reports whether a group record can only reduce what a host asks for. Under an
// access limit such records are applied first. So a host that changes from one group to
// another needs no room for both, whatever the order of its records.
func (gr *GroupRecord) onlyRemoves() bool {
	return gr.Type == BlockOldSources || gr.Type == ChangeToInclude && len(gr.Sources) == 0
}
