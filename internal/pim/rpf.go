package pim

import (
	"net/netip"
	"slices"

	"tandem/internal/instant"
	"tandem/internal/table"
)

// NextHop is one next hop towards a source or an RP in the unicast routing table.
type NextHop struct {
	Interface string
	// Gateway is an address of the next router. It is the zero Addr if the source itself
	// is on the link.
	Gateway netip.Addr
}

// Hop is where a tree comes from: the interface, and the upstream router at which it is
// joined (RPF_interface and RPF' of section 4.1.5).
type Hop struct {
	Interface string
	// Neighbor is the router's source address, the zero Addr if it is no neighbor.
	Neighbor netip.Addr
	// Connected says that the source is on the link itself, so there is no router to join
	// at.
	Connected bool
}

// usable reports whether a stream can come this way.
func (h Hop) usable() bool { return h.Connected || h.Neighbor.IsValid() }

// target is a source or an RP, the root of trees.
type target struct {
	addr  netip.Addr
	hops  []NextHop
	trees []uint32
	pins  int // how many other users need the next hops, see pin
}

// SetRPF gives the next hops towards a source or an RP. An empty list means that there is
// no route. An address that is not in Lookups is ignored.
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

// root connects a tree to its root; the zero Addr means that it has none.
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

// ensureTarget returns the target with an address. A new target is added to Lookups.
func (r *Router) ensureTarget(addr netip.Addr, fx *Effects) uint32 {
	id := r.findTarget(addr)
	if id == 0 {
		id = r.targets.Insert(target{addr: addr})
		fx.Lookups = append(fx.Lookups, addr)
	}
	return id
}

// forgetTarget removes a target that no tree and no other user needs.
func (r *Router) forgetTarget(id uint32, fx *Effects) {
	if x := r.targets.At(id); len(x.trees) == 0 && x.pins == 0 {
		fx.Forgets = append(fx.Forgets, x.addr)
		r.targets.Remove(id)
	}
}

// uproot disconnects a tree from its root. The root is removed with its last tree.
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

// route returns where a tree comes from by the unicast routes alone. Among several next
// hops it takes the one with the highest hash of root, group and neighbor, so that the
// loss of one next hop moves only its own trees. Next hops without a neighbor count only
// if none has one.
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

// hop finds the neighbor of a next hop. Interfaces without PIM cannot be used.
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

// waySeed is the seed of the hash of next hops. It is the same on all devices.
var waySeed = table.NewSeed(7761)

func (h Hop) weight(root, group netip.Addr) uint64 {
	if h.Connected {
		return 1<<64 - 1
	}
	return waySeed.Addrs([]netip.Addr{root, group, h.Neighbor})
}

// reroute computes the route of every tree again.
func (r *Router) reroute(now instant.Time, fx *Effects) {
	for id := range r.groupIDs() {
		r.settleGroup(now, id, fx)
	}
}
