package mld

import (
	"net/netip"
	"slices"
)

// Filter returns what has to be sent for a group: the union of its live records
// as the configuration lets them count, and of what is static. Its sources must not
// be modified.
func (r *Router) Filter(group netip.Addr) Filter {
	var f Filter
	if gid := r.store.findGroup(group); gid != 0 {
		f = r.heard(r.store.groups.At(gid))
	}
	return f.Union(r.named(group, r.staticFilter(group)))
}

// Wants reports whether a stream has to be sent on the interface.
func (r *Router) Wants(group, source netip.Addr) bool {
	gid := r.store.findGroup(group)
	return gid != 0 && r.counts(r.store.groups.At(gid), source) || r.isStatic(group, source)
}

// isStatic reports whether a stream is wanted by the configuration.
func (r *Router) isStatic(group, source netip.Addr) bool {
	return len(r.static) > 0 && r.named(group, r.staticFilter(group)).wants(source)
}

// named puts the mapped sources of a group, if it has any, in the place of the
// sources that a filter does not name.
func (r *Router) named(group netip.Addr, f Filter) Filter {
	if f.Mode == Include || len(r.cfg.SSMMapping) == 0 {
		return f
	}
	mapped := r.cfg.mappedSources(group)
	if len(mapped) == 0 {
		return f
	}
	return Filter{Include, appendMinus(nil, mapped, f.Sources)}
}

// counts reports whether hosts want a source, as far as the group policy permits
// it and, where the group has mapped sources and nobody names this one, if it is
// one of them.
func (r *Router) counts(g *group, source netip.Addr) bool {
	included, open := g.wants(source)
	if !r.cfg.restricts() || !included && !open {
		return included || open
	}
	return r.cfg.permits(g.addr, source) && (included || r.reaches(g.addr, source))
}

// reaches reports whether a source is among those that a host gets which names none.
func (r *Router) reaches(group, source netip.Addr) bool {
	mapped, listed := r.cfg.maps(group, source)
	return listed || !mapped && r.cfg.permits(group, anySource)
}

// heard is what the records of a group add up to.
func (r *Router) heard(g *group) Filter {
	if !r.cfg.restricts() {
		return r.store.union(g)
	}
	var mapped []netip.Addr
	if g.exclude > 0 {
		mapped = r.cfg.mappedSources(g.addr)
	}
	f := Filter{Mode: Include}
	if g.exclude > 0 && len(mapped) == 0 && r.cfg.permits(g.addr, anySource) {
		f.Mode = Exclude
	}
	for _, c := range g.sources {
		if r.counts(g, c.addr) == (f.Mode == Include) {
			f.Sources = append(f.Sources, c.addr)
		}
	}
	mapped = slices.DeleteFunc(mapped, func(a netip.Addr) bool { return !r.counts(g, a) })
	return f.Union(Filter{Include, mapped})
}

// anySource stands for the sources of a host that names none.
var anySource = netip.IPv6Unspecified()

// listened reports whether a host or the configuration wants a source: like
// counts, without the record of host ::, which stands for nobody.
func (r *Router) listened(g *group, source netip.Addr) bool {
	included, open := r.store.listened(g, source)
	if open && !included && len(r.cfg.SSMMapping) > 0 {
		mapped, listed := r.cfg.maps(g.addr, source)
		open = listed || !mapped
	}
	return included || open || r.isStatic(g.addr, source)
}
