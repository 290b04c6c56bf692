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
	return d.Limit + d.Policy + d.Access + d.Host
}

// maxRecords bounds the records of an interface. It leaves room in the tables for the
// groups, hosts and lists of the records.
const maxRecords = table.MaxEntries / 2

// share is the largest ratio of what one host holds to what is left of a bound. So one
// host alone gets at most four fifths of the bound, two hosts get four ninths each, and
// so on. A host that holds nothing gets something as long as anything is left.
const share = 4

// fits reports whether a host that holds some of a bound may get more of what is left. No
// host ever loses what it holds: near the bound, the hosts that hold most are refused.
func fits(held, more, left int) bool {
	return more <= 0 || more <= left && held+more-1 < share*(left-more+1)
}

// exceeds reports whether a record with the new filter would exceed a bound, and which
// one. A record that asks for no more than the old one never does.
func (r *Router) exceeds(group netip.Addr, at place, old, next Filter) (DropCause, bool) {
	s, c, h := &r.store, &r.cfg, r.store.held(at.host)
	items, records := int(h.items), s.records.Len()
	created, joins := 0, 0
	if at.record == 0 {
		created = 1
	}
	if old.Empty() {
		joins = 1
	}
	switch more := created + len(next.Sources) - len(old.Sources); {
	case created > 0 && records >= maxRecords:
		return DropLimit, true
	case c.MaxSources > 0 && len(next.Sources) > max(c.MaxSources, len(old.Sources)):
		return DropLimit, true
	case c.MaxHost > 0 && more > 0 && items+more > c.MaxHost:
		return DropHost, true
	case c.MaxRecords > 0 && !fits(items, created, c.MaxRecords-records):
		return DropLimit, true
	case r.room >= 0 && !fits(items, joins, r.room-s.liveRecords):
		return DropLimit, true
	case r.exceedsEntries(items, at.group, old, next):
		return DropLimit, true
	case c.AccessLimit > 0:
		gained, lost := s.entryChange(group, old, next)
		return DropAccess, !fits(int(h.entries), gained, c.AccessLimit-s.entries+lost)
	}
	return 0, false
}

// exceedsEntries reports whether a record with the new filter would exceed the bound on
// groups and named sources, or that on the named sources of its group.
func (r *Router) exceedsEntries(items int, gid uint32, old, next Filter) bool {
	s, c := &r.store, &r.cfg
	group, sources, named := 1, len(next.Sources), 0
	if gid != 0 {
		g := s.groups.At(gid)
		group, sources, named = 0, g.unnamed(next.Sources), len(g.sources)
	}
	return c.MaxEntries > 0 && !fits(items, group+sources, c.MaxEntries-s.groups.Len()-s.named) ||
		c.MaxGroupSources > 0 && !fits(len(old.Sources), sources, c.MaxGroupSources-named)
}

// unnamed counts the sources that no live record of the group names.
func (g *group) unnamed(sources []netip.Addr) (n int) {
	for _, a := range sources {
		if _, found := g.search(a); !found {
			n++
		}
	}
	return n
}

// onlyRemoves reports whether a group record can only reduce what a host asks for. Under an
// access limit such records are applied first. So a host that changes from one group to
// another needs no room for both, whatever the order of its records.
func (gr *GroupRecord) onlyRemoves() bool {
	return gr.Type == BlockOldSources || gr.Type == ChangeToInclude && len(gr.Sources) == 0
}
