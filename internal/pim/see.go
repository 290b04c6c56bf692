package pim

import (
	"net/netip"
	"time"

	"tandem/internal/instant"
)

// heardJoinPrune handles a message that another router of the link sends to an upstream
// router. If it contains a join, this router need not send its own. A prune has to be
// overridden if this router wants the tree (sections 4.5.4, 4.5.5 and 4.5.7).
func (r *Router) heardJoinPrune(now instant.Time, p *port, m *JoinPrune, fx *Effects) DropCause {
	if p.isOwn(m.Upstream) {
		return DropToUs
	}
	n := p.neighbor(m.Upstream)
	if n == nil {
		return accepted
	}
	to := Hop{Interface: p.name, Neighbor: n.Address}
	for i := range m.Groups {
		rec := &m.Groups[i]
		gid := r.findGroup(rec.Group.Addr())
		if gid == 0 || rec.Group.Bits() != 128 {
			continue
		}
		for _, s := range rec.Joins {
			r.seeJoin(now, p, gid, to, s, m.HoldTime)
		}
		for _, s := range rec.Prunes {
			r.seePrune(now, p, gid, to, s, fx)
		}
	}
	return accepted
}

// seeJoin handles a join of another router.
func (r *Router) seeJoin(now instant.Time, p *port, gid uint32, to Hop, s Source, hold time.Duration) {
	g := r.groups.At(gid)
	if s.Wildcard {
		r.suppress(now, p, g.star, to, hold)
		return
	}
	_, id, found := r.findSource(g, s.Addr())
	switch {
	case !found:
	case s.RPT:
		if t := r.trees.At(id); r.rptUpstream(t) == to {
			t.OverrideAt = instant.Never
			r.reschedule(id)
		}
	default:
		r.suppress(now, p, id, to, hold)
	}
}

// suppress delays the join of a tree, because another router of the link has just joined
// the tree at the same neighbor.
func (r *Router) suppress(now instant.Time, p *port, id uint32, to Hop, hold time.Duration) {
	if id == 0 || !p.suppresses() {
		return
	}
	t := r.trees.At(id)
	if !t.Joined || !t.Announced || t.Upstream != to {
		return
	}
	// t_suppressed is 1.1 to 1.4 times the interval (section 4.11).
	suppressed := r.cfg.JoinInterval*11/10 + upTo(r.rng, r.cfg.JoinInterval*3/10)
	t.JoinAt = max(t.JoinAt, now.Add(min(suppressed, hold)))
	r.reschedule(id)
}

// seePrune handles a prune of another router: this router sends a join before the
// upstream router acts on the prune.
func (r *Router) seePrune(now instant.Time, p *port, gid uint32, to Hop, s Source, fx *Effects) {
	g := r.groups.At(gid)
	if s.Wildcard {
		r.overrideAt(now, p, g.star, to)
		for _, id := range g.sources {
			r.overrideAt(now, p, id, to)
		}
		return
	}
	if _, id, found := r.findSource(g, s.Addr()); found {
		r.overrideAt(now, p, id, to)
	}
	r.overrideRPT(now, p, gid, to, s.Addr(), fx)
}

// overrideAt schedules an early join for a tree that is joined at this neighbor.
func (r *Router) overrideAt(now instant.Time, p *port, id uint32, to Hop) {
	if id != 0 && r.trees.At(id).Upstream == to {
		r.joinWithin(now, id, p.override(r.rng))
	}
}

// overrideRPT schedules an early Join(S,G,rpt) for a source that is wanted from the
// shared tree.
func (r *Router) overrideRPT(now instant.Time, p *port, gid uint32, to Hop, source netip.Addr, fx *Effects) {
	g := r.groups.At(gid)
	if g.star == 0 || !g.wants.covers(source) || r.trees.At(g.star).Upstream != to {
		return
	}
	id := r.ensureDerived(gid, source, fx)
	if id == 0 {
		return
	}
	t := r.trees.At(id)
	if t.RPT == RPTNotPruned && r.rptUpstream(t) == to {
		t.OverrideAt = instant.Earliest(t.OverrideAt, now.Add(p.override(r.rng)))
	}
	r.reschedule(id)
}
