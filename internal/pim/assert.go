package pim

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// assertTime is how long the result of an assert is valid (Assert_Time, section 4.11).
const assertTime = 180 * time.Second

// Winner is the router that has won an assert on a link. This router forwards nothing on
// its upstream links, where asserts are received, so it can only follow the winner.
type Winner struct {
	Interface string
	Address   netip.Addr
	Metric    Metric
	Until     instant.Time // when the result ends (Assert Timer)
}

// beats reports whether a metric and its sender win against another (section 4.6.3).
func (m Metric) beats(from netip.Addr, other Metric, sender netip.Addr) bool {
	switch {
	case m.RPT != other.RPT:
		return !m.RPT
	case m.Preference != other.Preference:
		return m.Preference < other.Preference
	case m.Cost != other.Cost:
		return m.Cost < other.Cost
	}
	return sender.Less(from)
}

// heardAssert handles an assert of a router on a link. With the R bit it is about the
// shared tree, without it about the tree of the source (sections 4.6.1 and 4.6.2).
func (r *Router) heardAssert(now instant.Time, p *port, from netip.Addr, a *Assert, fx *Effects) {
	gid := r.findGroup(a.Group.Addr())
	if gid == 0 || a.Group.Bits() != 128 {
		return
	}
	id := r.groups.At(gid).star
	if !a.Metric.RPT {
		id = r.tracked(p, gid, a.Source, fx)
	} else if a.Metric == infinite {
		r.cancelled(now, p, gid, from, a.Source, fx)
	}
	if id == 0 || a.Metric == infinite || !r.tracks(r.trees.At(id), p.name) {
		return
	}
	if r.trees.At(id).accept(now, p.name, from, a.Metric) {
		t := r.trees.At(id)
		if !t.isStar() && t.Joined && t.Route.Interface == p.name && !t.SPT {
			t.SPT = true
			fx.Changed = append(fx.Changed, t.Key)
		}
		r.settleAround(now, id, fx)
	}
}

// tracked returns the tree for which asserts about a source matter on a link, 0 if they
// do not matter.
func (r *Router) tracked(p *port, gid uint32, source netip.Addr, fx *Effects) uint32 {
	g := r.groups.At(gid)
	if _, id, found := r.findSource(g, source); found {
		return id
	}
	if g.star == 0 || !g.wants.covers(source) || r.trees.At(g.star).Route.Interface != p.name {
		return 0
	}
	return r.ensureDerived(gid, source, fx)
}

// tracks is AssertTrackingDesired of section 4.6.5, for a router without listeners on the link.
func (r *Router) tracks(t *tree, iface string) bool {
	if t.isStar() {
		return t.Joined && t.Route.Interface == iface
	}
	if t.Joined && t.Route.Interface == iface {
		return true
	}
	g := r.groups.At(t.group)
	if g.star == 0 || t.SPT || !g.wants.covers(t.Source) {
		return false
	}
	star := r.trees.At(g.star)
	return star.Joined && star.Route.Interface == iface
}

// accept records a router as the winner of an assert, if it is the present winner or
// beats it.
func (t *tree) accept(now instant.Time, iface string, from netip.Addr, m Metric) bool {
	won := Winner{iface, from, m, now.Add(assertTime)}
	i := slices.IndexFunc(t.Winners, func(w Winner) bool { return w.Interface == iface })
	switch {
	case i < 0:
		t.Winners = append(t.Winners, won)
	case t.Winners[i].Address == from || m.beats(from, t.Winners[i].Metric, t.Winners[i].Address):
		t.Winners[i] = won
	default:
		return false
	}
	return true
}

// cancelled ends the result of an assert, because the winner no longer forwards (section
// 4.6.4).
func (r *Router) cancelled(now instant.Time, p *port, gid uint32, from, source netip.Addr, fx *Effects) {
	g := r.groups.At(gid)
	ids := []uint32{g.star}
	if _, id, found := r.findSource(g, source); found {
		ids = []uint32{id}
	}
	for _, id := range ids {
		if id != 0 && r.trees.At(id).dropWinner(p.name, from) {
			r.settleAround(now, id, fx)
		}
	}
}

// dropWinner removes all results of asserts that a router has won on a link.
func (r *Router) dropWinner(now instant.Time, iface string, from netip.Addr, fx *Effects) {
	for id := uint32(1); id <= r.trees.Top(); id++ {
		if t := r.trees.At(id); t.Group.IsValid() && t.dropWinner(iface, from) {
			r.settleAround(now, id, fx)
		}
	}
}

func (t *tree) dropWinner(iface string, from netip.Addr) bool {
	n := len(t.Winners)
	t.Winners = slices.DeleteFunc(t.Winners, func(w Winner) bool { return w.Interface == iface && w.Address == from })
	return len(t.Winners) < n
}

// dropUntracked removes the results of asserts on links where they no longer matter.
func (r *Router) dropUntracked(t *tree, route Hop) {
	if len(t.Winners) == 0 {
		return
	}
	moved := t.Route.Interface != route.Interface
	t.Winners = slices.DeleteFunc(t.Winners, func(w Winner) bool {
		return moved && w.Interface == t.Route.Interface || w.Interface != route.Interface && !r.tracks(t, w.Interface)
	})
}

// upstream is RPF' of section 4.1.5: the winner of an assert on the link of a route, else the
// neighbor of the route.
func (t *tree) upstream(route Hop) Hop {
	for i := range t.Winners {
		if w := &t.Winners[i]; w.Interface == route.Interface {
			return Hop{Interface: route.Interface, Neighbor: w.Address}
		}
	}
	return route
}
