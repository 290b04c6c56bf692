package pim

import (
	"net/netip"
	"slices"

	"tandem/internal/instant"
)

// Memory is the state of a Router, for its successor. A new Router that resumes from it
// goes on in place of the old one: its neighbors notice neither a new generation ID nor a
// gap in the hellos and joins.
type Memory struct {
	Kept    RouterKept
	Ports   []PortMemory // by name
	Targets []TargetMemory
	Groups  []GroupMemory
}

// RouterKept is the state of a Router outside ports, groups and trees.
type RouterKept struct {
	Outbox    []Entry
	Bootstrap BootstrapKept
}

// PortMemory is the state of PIM on one interface.
type PortMemory struct {
	Name   string
	Config InterfaceConfig
	Kept   PortKept
}

// TargetMemory is the state of a source or an RP, with its next hops.
type TargetMemory struct {
	Root netip.Addr
	Hops []NextHop
}

// GroupMemory is the state of one group with its trees, in the order of their sources.
type GroupMemory struct {
	Group netip.Addr
	Wants Wants
	Trees []TreeMemory
}

// TreeMemory is the state of one tree.
type TreeMemory struct {
	Kept TreeKept
	// Derived says that a packet or a message, and not Want, has caused the tree.
	Derived bool
}

// Memory returns the state of the router.
func (r *Router) Memory() Memory {
	m := Memory{Kept: RouterKept{Outbox: slices.Clone(r.outbox), Bootstrap: r.bootstrap.kept.clone()}}
	for _, p := range r.order {
		kept := p.kept
		kept.Others, kept.Neighbors = slices.Clone(kept.Others), slices.Clone(kept.Neighbors)
		m.Ports = append(m.Ports, PortMemory{p.name, p.cfg, kept})
	}
	for id := uint32(1); id <= r.targets.Top(); id++ {
		if t := r.targets.At(id); t.addr.IsValid() {
			m.Targets = append(m.Targets, TargetMemory{t.addr, slices.Clone(t.hops)})
		}
	}
	for gid := range r.groupIDs() {
		m.Groups = append(m.Groups, r.groupMemory(r.groups.At(gid)))
	}
	return m
}

func (r *Router) groupMemory(g *groupState) GroupMemory {
	m := GroupMemory{Group: g.addr, Wants: Wants{g.wants.Any, slices.Clone(g.wants.Sources)}}
	ids := g.sources
	if g.star != 0 {
		ids = append([]uint32{g.star}, ids...)
	}
	for _, id := range ids {
		t := r.trees.At(id)
		kept := t.TreeKept
		kept.Winners = slices.Clone(kept.Winners)
		m.Trees = append(m.Trees, TreeMemory{kept, t.derived})
	}
	return m
}

// Resume gives a new Router the state of another one. After that, the caller has to call
// SetInterface for all interfaces, Want for all groups, and SetRPF for all sources and RPs.
func (r *Router) Resume(now instant.Time, m Memory) {
	r.now = max(r.now, now)
	r.outbox = slices.Clone(m.Kept.Outbox)
	r.bootstrap.kept = m.Kept.Bootstrap.clone()
	var known Effects // the caller looks up all roots anyway, so these requests are dropped
	for i := range r.bootstrap.kept.Zones {
		if z := &r.bootstrap.kept.Zones[i]; z.BSR.IsValid() {
			r.pin(z.BSR, &known)
		}
	}
	r.bootstrap.schedule()
	for _, pm := range m.Ports {
		p := &port{name: pm.Name, cfg: pm.Config, kept: pm.Kept}
		p.kept.Neighbors = slices.Clone(p.kept.Neighbors)
		r.ports[p.name] = p
		r.order = append(r.order, p)
	}
	for i := range m.Groups {
		r.resumeGroup(&m.Groups[i])
	}
	for _, tm := range m.Targets {
		if id := r.findTarget(tm.Root); id != 0 {
			r.targets.At(id).hops = slices.Clone(tm.Hops)
		}
	}
}

// clone returns a copy that shares no memory with k.
func (k BootstrapKept) clone() BootstrapKept {
	k.Zones = slices.Clone(k.Zones)
	for i := range k.Zones {
		ranges := slices.Clone(k.Zones[i].Ranges)
		for j := range ranges {
			ranges[j].RPs, ranges[j].Partial = slices.Clone(ranges[j].RPs), slices.Clone(ranges[j].Partial)
		}
		k.Zones[i].Ranges = ranges
	}
	return k
}

func (r *Router) resumeGroup(m *GroupMemory) {
	gid := r.groups.Insert(groupState{addr: m.Group, wants: m.Wants, ssm: inRanges(r.cfg.SSM, m.Group)})
	g := r.groups.At(gid)
	for _, tm := range m.Trees {
		var known Effects // the caller looks up all roots anyway, so these requests are dropped
		id := r.plant(gid, tm.Kept.Source, tm.Kept.Root, &known)
		t := r.trees.At(id)
		t.TreeKept, t.derived = tm.Kept, tm.Derived
		if t.isStar() {
			g.star = id
		} else {
			g.sources = append(g.sources, id)
		}
		if t.derived {
			r.derived++
		}
		r.tally(t, 1)
		r.reschedule(id)
	}
}

// Roots returns all sources and RPs whose next hops the router needs, sorted.
func (r *Router) Roots() (list []netip.Addr) {
	for id := uint32(1); id <= r.targets.Top(); id++ {
		if t := r.targets.At(id); t.addr.IsValid() {
			list = append(list, t.addr)
		}
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return list
}
