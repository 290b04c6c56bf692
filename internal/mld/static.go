package mld

import (
	"iter"
	"net/netip"
	"slices"

	"tandem/internal/instant"
)

// staticGroup is what the configuration has sent of one group even without a listener. It
// is not a record: it does not expire, and is not replicated, because the peer has its
// own configuration.
type staticGroup struct {
	addr   netip.Addr
	filter Filter
	since  instant.Time
}

func (s staticGroup) compare(group netip.Addr) int { return s.addr.Compare(group) }

// staticFilter returns what the configuration has sent of a group; the zero Filter if the
// configuration does not name the group.
func (r *Router) staticFilter(group netip.Addr) Filter {
	if i, found := slices.BinarySearchFunc(r.static, group, staticGroup.compare); found {
		return r.static[i].filter
	}
	return Filter{}
}

// setStatic applies the static groups of the configuration.
func (r *Router) setStatic(now instant.Time, fx *Effects) {
	old := r.static
	r.static = nil
	for _, s := range r.cfg.Static {
		if !Routable(s.Group) {
			continue
		}
		f := Filter{Mode: Exclude}
		if s.Source.IsValid() {
			f = Filter{Include, []netip.Addr{s.Source}}
		}
		i, found := slices.BinarySearchFunc(r.static, s.Group, staticGroup.compare)
		if !found {
			r.static = slices.Insert(r.static, i, staticGroup{addr: s.Group, since: now})
		}
		r.static[i].filter = r.static[i].filter.Union(f)
	}
	for _, s := range old {
		i, found := slices.BinarySearchFunc(r.static, s.addr, staticGroup.compare)
		if found {
			r.static[i].since = s.since
		}
		if !found || !r.static[i].filter.Equal(s.filter) {
			fx.Groups = append(fx.Groups, s.addr)
		}
	}
	for _, s := range r.static {
		if !slices.ContainsFunc(old, func(o staticGroup) bool { return o.addr == s.addr }) {
			fx.Groups = append(fx.Groups, s.addr)
		}
	}
}

// Groups yields every group that has a live record or is static. The router must
// not be modified during the iteration.
func (r *Router) Groups() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for id := uint32(1); id <= r.store.groups.Top(); id++ {
			if g := r.store.groups.At(id); g.live > 0 && !yield(g.addr) {
				return
			}
		}
		for _, s := range r.static {
			if !r.hasListeners(s.addr) && !yield(s.addr) {
				return
			}
		}
	}
}

// hasListeners reports whether a group has live records.
func (r *Router) hasListeners(group netip.Addr) bool {
	gid := r.store.findGroup(group)
	return gid != 0 && r.store.groups.At(gid).live > 0
}

// groupCount returns how many groups Groups yields.
func (r *Router) groupCount() int {
	n := r.store.liveGroups
	for _, s := range r.static {
		if !r.hasListeners(s.addr) {
			n++
		}
	}
	return n
}
