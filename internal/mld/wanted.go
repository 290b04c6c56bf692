package mld

import (
	"net/netip"
	"slices"
)

// Filter returns what has to be sent of a group: the union of its live records, after SSM
// mapping and group policy, together with its static part. Its sources must not be
// modified.
func (r *Router) Filter(group netip.Addr) Filter {
	var f Filter
	if gid := r.store.findGroup(group); gid != 0 {
		f = r.groupFilter(r.store.groups.At(gid))
	}
	return f.Union(r.mapSources(group, r.staticFilter(group)))
}

// Wants reports whether a stream has to be sent on the interface.
func (r *Router) Wants(group, source netip.Addr) bool {
	gid := r.store.findGroup(group)
	return gid != 0 && r.isWanted(r.store.groups.At(gid), source) || r.isStatic(group, source)
}

// isStatic reports whether the configuration has a stream sent even without a listener.
func (r *Router) isStatic(group, source netip.Addr) bool {
	return len(r.static) > 0 && r.mapSources(group, r.staticFilter(group)).wants(source)
}

// mapSources applies SSM mapping to an EXCLUDE filter. If the group has mapped sources,
// the result includes those that the filter does not exclude.
func (r *Router) mapSources(group netip.Addr, f Filter) Filter {
	if f.Mode == Include || len(r.cfg.SSMMapping) == 0 {
		return f
	}
	mapped := r.cfg.mappedSources(group)
	if len(mapped) == 0 {
		return f
	}
	return Filter{Include, appendMinus(nil, mapped, f.Sources)}
}

// isWanted reports whether hosts want a source, after SSM mapping and group policy. If no
// host names the source and the group has mapped sources, the source has to be one of
// these.
func (r *Router) isWanted(g *group, source netip.Addr) bool {
	included, open := g.wants(source)
	if !r.cfg.restricts() || !included && !open {
		return included || open
	}
	return r.cfg.permits(g.addr, source) && (included || r.isDefaultSource(g.addr, source))
}

// isDefaultSource reports whether a host that names no sources gets this source: a mapped
// one, or any that the policy permits if the group has no mapping.
func (r *Router) isDefaultSource(group, source netip.Addr) bool {
	mapped, listed := r.cfg.maps(group, source)
	return listed || !mapped && r.cfg.permits(group, anySource)
}

// groupFilter returns the union of a group's records, after SSM mapping and group policy.
func (r *Router) groupFilter(g *group) Filter {
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
		if r.isWanted(g, c.addr) == (f.Mode == Include) {
			f.Sources = append(f.Sources, c.addr)
		}
	}
	mapped = slices.DeleteFunc(mapped, func(a netip.Addr) bool { return !r.isWanted(g, a) })
	return f.Union(Filter{Include, mapped})
}

// anySource, the address ::, stands for all sources where a host names none.
var anySource = netip.IPv6Unspecified()

// isListenedTo reports whether a host or the configuration wants a source. It does not
// consider the leave record or the group policy.
func (r *Router) isListenedTo(g *group, source netip.Addr) bool {
	included, open := r.store.wantedByHosts(g, source)
	if open && !included && len(r.cfg.SSMMapping) > 0 {
		mapped, listed := r.cfg.maps(g.addr, source)
		open = listed || !mapped
	}
	return included || open || r.isStatic(g.addr, source)
}
