package mld

import (
	"net/netip"
	"slices"

	"tandem/internal/table"
)

// admit narrows what a host asks for to what the group policy permits. It counts
// what it refuses, and reports false when nothing remains of it.
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

// permitsOpen reports whether a host that names no sources may get anything of a group.
func (r *Router) permitsOpen(group netip.Addr) bool {
	if mapped := r.cfg.mappedSources(group); len(mapped) > 0 {
		return slices.ContainsFunc(mapped, func(a netip.Addr) bool { return r.cfg.permits(group, a) })
	}
	return r.cfg.permits(group, anySource)
}

// SetRoom bounds how many live records of hosts reports may bring the interface
// to, as long as the caller shares a number between interfaces; a negative n is
// no bound. What the peer has accepted is not subject to it.
func (r *Router) SetRoom(n int) { r.room = n }

// Hosts returns the number of live records of hosts.
func (r *Router) Hosts() int { return r.store.liveRecords }

// Refused returns how many group records the configuration or its bounds have refused.
func (r *Router) Refused() uint64 {
	d := &r.kept.Counters.Drops
	return d.Limit + d.Policy + d.Access
}

// maxRecords leaves room in every table for what a record may bring along.
const maxRecords = table.MaxEntries / 2

// exceeds checks what a record is about to say against the bounds of the configuration.
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

// gives reports whether a group record can only take from what a host asks for.
// Under an access limit such records come first, so that a host that changes from
// one group to another needs no room for both, in whatever order it says so.
func (gr *GroupRecord) gives() bool {
	return gr.Type == BlockOldSources || gr.Type == ChangeToInclude && len(gr.Sources) == 0
}
