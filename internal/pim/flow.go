package pim

import (
	"net/netip"

	"tandem/internal/instant"
)

// Flow says that packets of a stream have come in on an interface. The caller calls it at
// the first packet, and at least every 100 s as long as packets come. It does what
// sections 4.2, 4.2.1 and 4.2.2 do at each packet.
func (r *Router) Flow(now instant.Time, source, group netip.Addr, iface string, fx *Effects) {
	r.now = max(r.now, now)
	gid := r.findGroup(group)
	if gid == 0 {
		return
	}
	g := r.groups.At(gid)
	if g.ssm || !g.wants.covers(source) {
		return // a tree that Want names does not need packets to last
	}
	_, id, found := r.findSource(g, source)
	if found && r.came(now, r.trees.At(id), iface, fx) {
		r.settleAround(now, id, fx)
		return
	}
	if !r.switches(g, iface) || found && r.trees.At(id).SPT {
		return
	}
	if id = r.ensureDerived(gid, source, fx); id != 0 {
		r.trees.At(id).KeepUntil = now.Add(r.cfg.Keepalive)
		r.settle(now, id, fx)
	}
}

// came records packets of a source, and reports whether they came on the tree of the
// source.
func (r *Router) came(now instant.Time, t *tree, iface string, fx *Effects) bool {
	if !t.Joined || t.Upstream.Interface != iface {
		return false
	}
	t.KeepUntil = now.Add(r.cfg.Keepalive)
	if !t.SPT && r.isOnSourceTree(t) {
		t.SPT = true
		fx.Changed = append(fx.Changed, t.Key)
	}
	return true
}

// isOnSourceTree is Update_SPTbit of section 4.2.2, for packets that have come in on the
// interface towards the source.
func (r *Router) isOnSourceTree(t *tree) bool {
	g := r.groups.At(t.group)
	if t.Upstream.Connected || g.star == 0 || !g.wants.Any {
		return true
	}
	star := r.trees.At(g.star)
	return t.Route.Interface != star.Route.Interface || t.Upstream.usable() && t.Upstream == star.Upstream
}

// switches is CheckSwitchToSpt of section 4.2.1, for packets that have come in on an
// interface.
func (r *Router) switches(g *groupState, iface string) bool {
	if g.star == 0 || inRanges(r.cfg.StayShared, g.addr) {
		return false
	}
	star := r.trees.At(g.star)
	return star.Joined && star.Upstream.Interface == iface
}

// Incoming returns where a stream comes from: the incoming interface, and the upstream
// router. It returns false if the stream is not joined.
func (r *Router) Incoming(source, group netip.Addr) (Hop, bool) {
	gid := r.findGroup(group)
	if gid == 0 {
		return Hop{}, false
	}
	g := r.groups.At(gid)
	if !g.wants.covers(source) {
		return Hop{}, false
	}
	if _, id, found := r.findSource(g, source); found {
		if t := r.trees.At(id); t.Joined && (t.SPT || !g.wants.Any) {
			return t.Upstream, t.Upstream.usable()
		}
	}
	if g.star == 0 {
		return Hop{}, false
	}
	up := r.trees.At(g.star).Upstream
	return up, up.usable()
}
