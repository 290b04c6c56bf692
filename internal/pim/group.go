package pim

import (
	"iter"
	"net/netip"
	"slices"

	"tandem/internal/instant"
)

// Wants is what the listeners of a group want: all sources except Sources if Any is set,
// otherwise only Sources. It is the union over all downstream interfaces: pim_include and
// pim_exclude of section 4.1.5. The zero Wants wants nothing.
type Wants struct {
	Any     bool
	Sources []netip.Addr // sorted, each occurs once
}

func (w Wants) empty() bool { return !w.Any && len(w.Sources) == 0 }

func (w Wants) names(source netip.Addr) bool {
	_, found := slices.BinarySearchFunc(w.Sources, source, netip.Addr.Compare)
	return found
}

// covers reports whether a source is wanted.
func (w Wants) covers(source netip.Addr) bool { return w.names(source) != w.Any }

// groupState is a group with listeners.
type groupState struct {
	addr    netip.Addr
	wants   Wants
	ssm     bool
	star    uint32   // the tree (*,G), 0 for none
	sources []uint32 // the trees (S,G), sorted by source
}

// routable reports whether a group is forwarded between links: its scope is wider than the
// link.
func routable(group netip.Addr) bool {
	return group.Is6() && group.IsMulticast() && group.As16()[1]&0x0f > 2
}

// Want sets what is wanted of a group. In SSM groups only named sources can be joined, so
// Any has no effect there (RFC 4604, section 2.2.4). Groups of link scope or narrower are
// ignored.
func (r *Router) Want(now instant.Time, group netip.Addr, w Wants, fx *Effects) {
	r.now = max(r.now, now)
	if !routable(group) {
		return
	}
	ssm := inRanges(r.cfg.SSM, group)
	if ssm && w.Any {
		w = Wants{}
	}
	gid := r.findGroup(group)
	if gid == 0 {
		if w.empty() {
			return
		}
		gid = r.groups.Insert(groupState{addr: group, ssm: ssm})
	}
	g := r.groups.At(gid)
	old := g.wants
	g.wants = Wants{w.Any, slices.Clone(w.Sources)}
	if w.Any && g.star == 0 {
		g.star = r.plant(gid, netip.Addr{}, r.rpFor(group), fx)
	}
	changed := differing(old.Sources, w.Sources)
	for _, s := range changed {
		if w.names(s) {
			r.ensure(gid, s, fx)
		}
	}
	if old.Any != w.Any {
		r.settleGroup(now, gid, fx)
		return
	}
	for _, s := range changed {
		if _, id, found := r.findSource(g, s); found {
			r.settle(now, id, fx)
		}
	}
	r.discardGroup(gid)
}

// differing returns the elements that are in exactly one of two sorted lists.
func differing(a, b []netip.Addr) (list []netip.Addr) {
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Less(b[0]):
			list, a = append(list, a[0]), a[1:]
		case len(a) == 0 || b[0].Less(a[0]):
			list, b = append(list, b[0]), b[1:]
		default:
			a, b = a[1:], b[1:]
		}
	}
	return list
}

func inRanges(ranges []netip.Prefix, group netip.Addr) bool {
	return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(group) })
}

func (r *Router) findGroup(group netip.Addr) uint32 {
	return r.groups.Find(r.seed.Addr(group), func(g *groupState) bool { return g.addr == group })
}

// groupIDs yields the ids of all groups, in an order that depends only on their history.
// The caller may discard groups in the loop.
func (r *Router) groupIDs() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for id := uint32(1); id <= r.groups.Top(); id++ {
			if r.groups.At(id).addr.IsValid() && !yield(id) {
				return
			}
		}
	}
}

// findSource returns the place and the id of a source's tree in a group.
func (r *Router) findSource(g *groupState, source netip.Addr) (place int, id uint32, found bool) {
	place, found = slices.BinarySearchFunc(g.sources, source, func(id uint32, s netip.Addr) int {
		return r.trees.At(id).Source.Compare(s)
	})
	if found {
		id = g.sources[place]
	}
	return place, id, found
}

// ensure returns the tree of a source. It makes the tree if there is none.
func (r *Router) ensure(gid uint32, source netip.Addr, fx *Effects) uint32 {
	g := r.groups.At(gid)
	place, id, found := r.findSource(g, source)
	if !found {
		id = r.plant(gid, source, source, fx)
		if g.star != 0 && r.trees.At(g.star).Joined {
			r.trees.At(id).RPT = RPTNotPruned // the state of a source without a tree
		}
		g.sources = slices.Insert(g.sources, place, id)
	}
	return id
}

// ensureDerived does the same for a source that Want has not named, if there is room. It
// returns 0 if there is no room.
func (r *Router) ensureDerived(gid uint32, source netip.Addr, fx *Effects) uint32 {
	if _, id, found := r.findSource(r.groups.At(gid), source); found {
		return id
	}
	if r.derived >= r.cfg.MaxSources {
		return 0
	}
	id := r.ensure(gid, source, fx)
	r.trees.At(id).derived = true
	r.derived++
	return id
}

// settleGroup computes all trees of a group again: which are desired, and where they are
// joined.
func (r *Router) settleGroup(now instant.Time, gid uint32, fx *Effects) {
	g := r.groups.At(gid)
	if g.star != 0 {
		r.settle(now, g.star, fx)
	}
	for _, id := range slices.Clone(g.sources) {
		r.settle(now, id, fx)
	}
	r.discardGroup(gid)
}

// settleAround does the same for a tree and for those that depend on it.
func (r *Router) settleAround(now instant.Time, id uint32, fx *Effects) {
	t := r.trees.At(id)
	if gid := t.group; t.isStar() {
		r.settleGroup(now, gid, fx)
	} else {
		r.settle(now, id, fx)
		r.discardGroup(gid)
	}
}

// discardGroup removes a group that has no listeners and no trees.
func (r *Router) discardGroup(gid uint32) {
	if g := r.groups.At(gid); g.addr.IsValid() && g.wants.empty() && g.star == 0 && len(g.sources) == 0 {
		r.groups.Remove(gid)
	}
}
