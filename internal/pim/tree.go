package pim

import (
	"iter"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// tree is the upstream state of a shared tree (*,G) or of the tree of a source (S,G), with the
// state (S,G,rpt) of the source.
type tree struct {
	TreeKept
	group   uint32 // id of the group
	target  uint32 // id of the root, 0 if there is none
	slot    int    // place among the trees of the root
	place   int    // place in the timers, instant.Out if no timer runs
	derived bool   // a packet or a message, and not Want, has caused the tree
}

// TreeKept is the state of a tree that outlives an event.
type TreeKept struct {
	Key
	// Root is the source, or the RP of a shared tree; the zero Addr if no RP is known.
	Root   netip.Addr
	Joined bool // the upstream state is Joined (sections 4.5.4 and 4.5.5)
	// Route is where the tree comes from by the unicast routes. Upstream differs from it
	// if another router has won an assert (RPF').
	Route, Upstream Hop
	// Announced says that a join has been sent to Upstream.
	Announced bool
	JoinAt    instant.Time // when the next join is due (Join Timer)
	// KeepUntil is until when the last packet of the source keeps its tree (Keepalive
	// Timer).
	KeepUntil instant.Time
	// SPT is the SPTbit: packets come in on the tree of the source.
	SPT        bool
	RPT        RPTState
	OverrideAt instant.Time // when this router overrides another router's prune (Override Timer)
	Winners    []Winner     // winners of asserts, at most one on each interface
}

func (t *tree) isStar() bool { return !t.Source.IsValid() }

// alarm returns when the first timer of the tree is due.
func (t *tree) alarm() instant.Time {
	first := instant.Earliest(t.JoinAt, t.KeepUntil, t.OverrideAt)
	for i := range t.Winners {
		first = instant.Earliest(first, t.Winners[i].Until)
	}
	return first
}

// plant makes a tree. The tree is not joined yet.
func (r *Router) plant(gid uint32, source, root netip.Addr, fx *Effects) uint32 {
	id := r.trees.Insert(tree{TreeKept: TreeKept{Key: Key{source, r.groups.At(gid).addr}}, group: gid, place: instant.Out})
	r.root(id, root, fx)
	return id
}

// settle computes whether a tree is desired, and joins or prunes it. It discards a tree
// that is no longer needed.
func (r *Router) settle(now instant.Time, id uint32, fx *Effects) {
	t := r.trees.At(id)
	before := t.TreeKept
	r.tally(t, -1)
	route := r.route(t)
	r.dropUntracked(t, route)
	upstream := t.upstream(route)
	switch desired := r.joinDesired(t); {
	case desired && !t.Joined:
		t.Joined = true
		t.joinAt(now, upstream)
	case !desired && t.Joined:
		r.prune(t)
		t.Joined, t.SPT, t.Upstream, t.Announced, t.JoinAt = false, false, Hop{}, false, instant.Never
	case desired && upstream == t.Upstream:
	case desired && route == t.Route && upstream.usable() && t.Announced:
		// Another router forwards on the same link: it needs the join soon.
		t.Upstream = upstream
		t.JoinAt = instant.Earliest(t.JoinAt, now.Add(r.override(upstream)))
	case desired:
		r.prune(t)
		t.joinAt(now, upstream)
	}
	t.Route = route
	if !t.isStar() {
		r.settleRPT(t)
	}
	r.tally(t, 1)
	if before.Joined != t.Joined || before.Upstream != t.Upstream || before.SPT != t.SPT {
		fx.Changed = append(fx.Changed, t.Key)
	}
	if !r.discard(id, fx) {
		r.reschedule(id)
	}
}

// joinAt schedules a first join at a router, at once.
func (t *tree) joinAt(now instant.Time, upstream Hop) {
	t.Upstream, t.Announced, t.JoinAt = upstream, false, instant.Never
	if upstream.Neighbor.IsValid() {
		t.JoinAt = now
	}
}

// joinDesired is JoinDesired of sections 4.5.4 and 4.5.5.
func (r *Router) joinDesired(t *tree) bool {
	g := r.groups.At(t.group)
	if t.isStar() {
		return g.wants.Any
	}
	return g.wants.covers(t.Source) && (!g.wants.Any || t.KeepUntil.IsSet())
}

// prune sends a prune to the upstream router.
func (r *Router) prune(t *tree) {
	if t.Announced {
		r.outbox = append(r.outbox, t.entry(false))
	}
}

// tally counts a tree (n is +1), or removes it from the count (-1).
func (r *Router) tally(t *tree, n int) {
	if t.Joined {
		r.joined += n
		if !t.Announced && !t.Upstream.Connected {
			r.unsent += n
		}
	}
}

// discard removes a tree that is not wanted and has no state to keep.
func (r *Router) discard(id uint32, fx *Effects) bool {
	t := r.trees.At(id)
	g := r.groups.At(t.group)
	if t.Joined || t.KeepUntil.IsSet() || t.OverrideAt.IsSet() || t.RPT == RPTPruned || len(t.Winners) > 0 ||
		!t.isStar() && g.wants.names(t.Source) {
		return false
	}
	if t.isStar() {
		g.star = 0
	} else if place, _, found := r.findSource(g, t.Source); found {
		g.sources = slices.Delete(g.sources, place, place+1)
	}
	if t.derived {
		r.derived--
	}
	if t.place != instant.Out {
		r.timers.Remove(t.place)
	}
	r.uproot(id, fx)
	r.trees.Remove(id)
	return true
}

// reschedule sets the tree's place in the timers to its next timer.
func (r *Router) reschedule(id uint32) {
	t := r.trees.At(id)
	switch at := t.alarm(); {
	case !at.IsSet() && t.place != instant.Out:
		r.timers.Remove(t.place)
	case at.IsSet() && t.place == instant.Out:
		r.timers.Push(at, id)
	case at.IsSet():
		r.timers.Move(t.place, at)
	}
}

// alarm does what is due for a tree.
func (r *Router) alarm(now instant.Time, id uint32, fx *Effects) {
	t := r.trees.At(id)
	if t.OverrideAt.IsDue(now) {
		t.OverrideAt = instant.Never
		r.sendRPT(t, true)
	}
	if t.KeepUntil.IsDue(now) {
		t.KeepUntil = instant.Never
	}
	t.Winners = slices.DeleteFunc(t.Winners, func(w Winner) bool { return w.Until.IsDue(now) })
	if t.JoinAt.IsDue(now) {
		r.tally(t, -1)
		r.outbox = append(r.outbox, t.entry(true))
		t.Announced, t.JoinAt = true, r.nextJoin(now)
		r.tally(t, 1)
	}
	r.settleAround(now, id, fx)
}

// nextJoin returns when a tree is joined again. Trees with about the same time get the
// same instant, so that few messages carry them.
func (r *Router) nextJoin(now instant.Time) instant.Time {
	grid := max(r.cfg.JoinInterval/64, 1)
	at := now.Add(r.cfg.JoinInterval)
	return at.Add(-(at.SinceOrigin() % grid))
}

// joinWithin schedules the next join of a tree no later than after d.
func (r *Router) joinWithin(now instant.Time, id uint32, d time.Duration) {
	t := r.trees.At(id)
	if t.Joined && t.Upstream.Neighbor.IsValid() {
		t.JoinAt = instant.Earliest(t.JoinAt, now.Add(d))
		r.reschedule(id)
	}
}

// JoinAll schedules a join of every tree at once. The caller uses it when a switch or
// router on the way may have lost the joins.
func (r *Router) JoinAll(now instant.Time) {
	r.now = max(r.now, now)
	for id := uint32(1); id <= r.trees.Top(); id++ {
		if r.trees.At(id).Joined {
			r.joinWithin(now, id, 0)
		}
	}
}

// override draws the random delay before this router overrides a prune on the link of a
// hop.
func (r *Router) override(h Hop) time.Duration {
	if p := r.ports[h.Interface]; p != nil {
		return p.override(r.rng)
	}
	return 0
}

// joinedAt yields the trees that are joined at a router. No tree may be removed in the
// loop.
func (r *Router) joinedAt(iface string, neighbor netip.Addr) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for id := uint32(1); id <= r.trees.Top(); id++ {
			t := r.trees.At(id)
			if t.Joined && t.Upstream.Interface == iface && t.Upstream.Neighbor == neighbor && !yield(id) {
				return
			}
		}
	}
}
