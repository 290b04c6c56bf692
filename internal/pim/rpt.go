package pim

import "tandem/internal/instant"

// RPTState is the state of a source on the shared tree of its group (section 4.5.7).
type RPTState uint8

// The states: the shared tree is not joined; the source comes on it; the source is pruned from
// it.
const (
	RPTNotJoined RPTState = iota
	RPTNotPruned
	RPTPruned
)

// String returns the state as section 4.5.7 writes it.
func (s RPTState) String() string {
	return [...]string{"RPTNotJoined", "NotPruned", "Pruned"}[s]
}

// settleRPT changes the state (S,G,rpt) to the desired one. As long as the first join of
// the shared tree has not been sent, a prune needs no message of its own: that join will
// carry it.
//
//	from          event                     to            sends
//	any           shared tree not desired   RPTNotJoined
//	RPTNotJoined  prune desired             Pruned
//	RPTNotJoined  prune not desired         NotPruned
//	NotPruned     prune desired             Pruned        Prune(S,G,rpt)
//	Pruned        prune not desired         NotPruned     Join(S,G,rpt)
func (r *Router) settleRPT(t *tree) {
	old := t.RPT
	t.RPT = r.rptDesired(t)
	if t.RPT != RPTNotPruned {
		t.OverrideAt = instant.Never
	}
	switch {
	case old == RPTNotPruned && t.RPT == RPTPruned:
		r.sendRPT(t, false)
	case old == RPTPruned && t.RPT == RPTNotPruned:
		r.sendRPT(t, true)
	}
}

// rptDesired is PruneDesired(S,G,rpt) of section 4.5.7.
func (r *Router) rptDesired(t *tree) RPTState {
	g := r.groups.At(t.group)
	if g.star == 0 || !r.trees.At(g.star).Joined {
		return RPTNotJoined
	}
	if !g.wants.covers(t.Source) || t.SPT && t.Upstream != r.trees.At(g.star).Upstream {
		return RPTPruned
	}
	return RPTNotPruned
}

// rptUpstream is RPF'(S,G,rpt) of section 4.1.5.
func (r *Router) rptUpstream(t *tree) Hop {
	g := r.groups.At(t.group)
	if g.star == 0 {
		return Hop{}
	}
	star := r.trees.At(g.star)
	if up := t.upstream(star.Route); up != star.Route {
		return up
	}
	return star.Upstream
}

// sendRPT schedules a Join(S,G,rpt) or a Prune(S,G,rpt), unless the first join of the
// shared tree is still to be sent. The message also contains a join of the shared tree,
// which says the same again (section 4.5.6): pim6d ignores a lone Join(S,G,rpt), and the
// stream would be missing until the next refresh.
func (r *Router) sendRPT(t *tree, join bool) {
	g := r.groups.At(t.group)
	if g.star == 0 || !r.trees.At(g.star).Announced {
		return
	}
	e := Entry{Key: t.Key, To: r.rptUpstream(t), Root: t.Source, RPT: true, Join: join}
	r.outbox = append(r.outbox, r.trees.At(g.star).entry(true), e)
}

// isRPTPrunedIn reports whether a join of the shared tree carries a Prune(S,G,rpt) for a source
// (section 4.5.6).
func (r *Router) isRPTPrunedIn(star, t *tree) bool {
	return t.RPT == RPTPruned || t.RPT == RPTNotPruned && r.rptUpstream(t) != star.Upstream
}
