package pim

import (
	"net/netip"
	"slices"

	"tandem/internal/instant"
	"tandem/internal/table"
)

// NextHop is one way to a source or an RP, as the unicast routes have it.
type NextHop struct {
	Interface string
	// Gateway is an address of the next router. It is the zero Addr where the source itself is
	// on the link.
	Gateway netip.Addr
}

// Hop is where a tree comes from: the interface, and the router there to join it at
// (RPF_interface and RPF' of section 4.1.5).
type Hop struct {
	Interface string
	// Neighbor is the address that the router sends from, the zero Addr if it is no neighbor.
	Neighbor netip.Addr
	// Connected: the source is on the link itself, and there is nobody to join at.
	Connected bool
}

// usable reports whether a stream can come this way.
func (h Hop) usable() bool { return h.Connected || h.Neighbor.IsValid() }

// target is a source or an RP, the root of trees.
type target struct {
	addr  netip.Addr
	hops  []NextHop
	trees []uint32
	pins  int // how many others need the next hops
}

// SetRPF tells the next hops to a source or an RP. No next hop means that there is no route. An
// address that the router has not asked for is ignored.
func (r *Router) SetRPF(now instant.Time, root netip.Addr, hops []NextHop, fx *Effects) {
	r.now = max(r.now, now)
	id := r.findTarget(root)
	if id == 0 {
		return
	}
	t := r.targets.At(id)
	if slices.Equal(t.hops, hops) {
		r.judgeWaiting(now, root, fx)
		return
	}
	t.hops = slices.Clone(hops)
	for i := range t.hops {
		t.hops[i].Gateway = t.hops[i].Gateway.WithZone("")
	}
	for _, tree := range slices.Clone(t.trees) {
		r.settleAround(now, tree, fx)
	}
	r.judgeWaiting(now, root, fx)
}

func (r *Router) findTarget(root netip.Addr) uint32 {
	return r.targets.Find(r.seed.Addr(root), func(t *target) bool { return t.addr == root })
}

// root puts a tree at the root that it has, the zero Addr for none.
func (r *Router) root(id uint32, addr netip.Addr, fx *Effects) {
	t := r.trees.At(id)
	r.uproot(id, fx)
	t.Root = addr
	if !addr.IsValid() {
		return
	}
	t.target = r.ensureTarget(addr, fx)
	x := r.targets.At(t.target)
	t.slot = len(x.trees)
	x.trees = append(x.trees, id)
}

// ensureTarget returns the target with an address, which it has looked up if it is new.
func (r *Router) ensureTarget(addr netip.Addr, fx *Effects) uint32 {
	id := r.findTarget(addr)
	if id == 0 {
		id = r.targets.Insert(target{addr: addr})
		fx.Lookups = append(fx.Lookups, addr)
	}
	return id
}

// forgetTarget removes a target that nobody needs.
func (r *Router) forgetTarget(id uint32, fx *Effects) {
	if x := r.targets.At(id); len(x.trees) == 0 && x.pins == 0 {
		fx.Forgets = append(fx.Forgets, x.addr)
		r.targets.Remove(id)
	}
}

// uproot takes a tree from its root, which is forgotten with its last tree.
func (r *Router) uproot(id uint32, fx *Effects) {
	t := r.trees.At(id)
	if t.target == 0 {
		return
	}
	x := r.targets.At(t.target)
	last := x.trees[len(x.trees)-1]
	x.trees[t.slot] = last
	r.trees.At(last).slot = t.slot
	x.trees = x.trees[:len(x.trees)-1]
	r.forgetTarget(t.target, fx)
	t.target = 0
}

// route returns where a tree comes from by the unicast routes alone. Among several ways the one
// with the highest hash of root, group and neighbor is taken, so that the loss of one way moves
// only the trees on it. Ways without a neighbor count only where no way has one.
func (r *Router) route(t *tree) (best Hop) {
	if t.target == 0 {
		return Hop{}
	}
	weight := uint64(0)
	for _, nh := range r.targets.At(t.target).hops {
		h := r.hop(nh)
		if !h.usable() {
			if best.Interface == "" {
				best = h
			}
			continue
		}
		if w := h.weight(t.Root, t.Group); !best.usable() || w > weight {
			best, weight = h, w
		}
	}
	return best
}

// hop finds the neighbor of a next hop. Interfaces without PIM are no way at all.
func (r *Router) hop(nh NextHop) Hop {
	p := r.ports[nh.Interface]
	if p == nil || !p.active() {
		return Hop{}
	}
	if !nh.Gateway.IsValid() {
		return Hop{Interface: nh.Interface, Connected: true}
	}
	h := Hop{Interface: nh.Interface}
	if n := p.neighbor(nh.Gateway); n != nil {
		h.Neighbor = n.Address
	}
	return h
}

// waySeed keys the hash of ways. It is the same on all devices.
var waySeed = table.NewSeed(7761)

func (h Hop) weight(root, group netip.Addr) uint64 {
	if h.Connected {
		return 1<<64 - 1
	}
	return waySeed.Addrs([]netip.Addr{root, group, h.Neighbor})
}

// reroute looks for the way of every tree again.
func (r *Router) reroute(now instant.Time, fx *Effects) {
	for id := range r.groupIDs() {
		r.settleGroup(now, id, fx)
	}
}
