package pim

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// InterfaceState is a snapshot of one interface, for displays.
type InterfaceState struct {
	Name string
	InterfaceConfig
	Link
	GenerationID uint32
	// DR is the designated router. It equals LinkLocal if this router is the designated
	// one.
	DR        netip.Addr
	HelloIn   time.Duration // until the next hello
	Neighbors []NeighborState
	Counters  Counters
}

// NeighborState is a snapshot of a neighbor, for displays.
type NeighborState struct {
	Address netip.Addr
	Hello   Hello
	Uptime  time.Duration
	Expires time.Duration // 0 if it does not expire
}

// TreeState is a snapshot of a tree, for displays.
type TreeState struct {
	TreeKept
	JoinIn time.Duration // until the next join, 0 if none is due
	Keep   time.Duration // remaining time of the Keepalive Timer, 0 if it does not run
}

// Interfaces returns snapshots of all interfaces, sorted by name.
func (r *Router) Interfaces(now instant.Time) (list []InterfaceState) {
	for _, p := range r.order {
		s := InterfaceState{Name: p.name, InterfaceConfig: p.cfg, Link: p.kept.Link, GenerationID: p.kept.GenerationID,
			DR: p.designated(), HelloIn: p.kept.HelloAt.Left(now), Counters: p.kept.Counters}
		s.Others = slices.Clone(s.Others)
		for i := range p.kept.Neighbors {
			n := &p.kept.Neighbors[i]
			s.Neighbors = append(s.Neighbors, NeighborState{n.Address, n.Hello, now.Sub(n.Since), n.Expires.Left(now)})
		}
		list = append(list, s)
	}
	return list
}

// Trees returns snapshots of all trees, sorted by group and source; the shared tree of a group
// comes first.
func (r *Router) Trees(now instant.Time) (list []TreeState) {
	for gid := range r.groupIDs() {
		for _, t := range r.groupMemory(r.groups.At(gid)).Trees {
			list = append(list, TreeState{t.Kept, t.Kept.JoinAt.Left(now), t.Kept.KeepUntil.Left(now)})
		}
	}
	slices.SortStableFunc(list, func(a, b TreeState) int { return a.Group.Compare(b.Group) })
	return list
}
