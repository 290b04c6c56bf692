package device

import (
	"iter"
	"net/netip"
	"slices"

	"tandem/internal/instant"
	"tandem/internal/table"
)

// route is one forwarding entry as it was last given to the kernel. There may be a
// hundred thousand groups with one source each, or one with a thousand sources.
type route struct {
	source [16]byte
	path   *path
	RouteKept
	group uint32
	links table.Links // within the group
	round uint32      // of the audit that has seen it last
}

// RouteKept is what a device knows of an entry beside where it leads to.
type RouteKept struct {
	Since  instant.Time
	Origin RouteOrigin
}

// path is the way of a stream: the interface by which it comes in and those by which it goes
// out, by their Linux names, sorted. A path without outgoing interfaces discards the stream.
// It is kept once for all routes that are alike.
type path struct {
	incoming string
	outgoing []string
}

func (p *path) equal(other *path) bool {
	return p == other || p.incoming == other.incoming && slices.Equal(p.outgoing, other.outgoing)
}

// change is what gives an entry to the kernel.
func (r *route) change(sg SourceGroup) RouteChange {
	return RouteChange{Source: sg.Source, Group: sg.Group, Incoming: r.path.incoming, Outgoing: r.path.outgoing}
}

// routeGroup is a group that has routes.
type routeGroup struct {
	addr   [16]byte
	routes table.Members
}

// routeTable holds the entries.
type routeTable struct {
	seed   table.Seed
	groups table.Table[routeGroup]
	routes table.Grouped[route]
	round  uint32 // the number of the audit
	seen   int    // by it
	// idle lists the idle entries in the order of their expiry.
	idle    []SourceGroup
	paths   []*path // in use
	scratch []netip.Addr
}

func newRouteTable(seed uint64) *routeTable {
	t := &routeTable{seed: table.NewSeed(seed)}
	t.groups.Hash = func(g *routeGroup) uint64 { return t.seed.Addr(netip.AddrFrom16(g.addr)) }
	t.routes.Hash = func(r *route) uint64 { return t.hash(r.group, netip.AddrFrom16(r.source)) }
	t.routes.Links = func(r *route) *table.Links { return &r.links }
	return t
}

func (t *routeTable) hash(group uint32, source netip.Addr) uint64 {
	return t.seed.Pair(group, uint32(t.seed.Addr(source)))
}

func (t *routeTable) group(addr netip.Addr) uint32 {
	key := addr.As16()
	return t.groups.Find(t.seed.Addr(addr), func(g *routeGroup) bool { return g.addr == key })
}

func (t *routeTable) find(group uint32, source netip.Addr) uint32 {
	if group == 0 {
		return 0
	}
	key := source.As16()
	return t.routes.Find(&t.groups.At(group).routes, t.hash(group, source), func(r *route) bool { return r.source == key })
}

// get returns an entry, nil when there is none. It is valid until it is removed.
func (t *routeTable) get(sg SourceGroup) *route {
	if id := t.find(t.group(sg.Group), sg.Source); id != 0 {
		return t.routes.At(id)
	}
	return nil
}

// add makes an entry that there is not yet.
func (t *routeTable) add(sg SourceGroup, r route) *route {
	gid := t.group(sg.Group)
	if gid == 0 {
		gid = t.groups.Insert(routeGroup{addr: sg.Group.As16()})
	}
	r.source, r.group, r.round = sg.Source.As16(), gid, t.round
	id := t.routes.Insert(&t.groups.At(gid).routes, r)
	t.seen++
	return t.routes.At(id)
}

func (t *routeTable) remove(sg SourceGroup) {
	gid := t.group(sg.Group)
	id := t.find(gid, sg.Source)
	if id == 0 {
		return
	}
	g := t.groups.At(gid)
	if t.routes.At(id).round == t.round {
		t.seen--
	}
	t.routes.Remove(&g.routes, id)
	if g.routes.First == 0 {
		t.groups.Remove(gid)
	}
}

// see notes that the kernel has an entry.
func (t *routeTable) see(r *route) {
	if r.round != t.round {
		r.round = t.round
		t.seen++
	}
}

// all yields every entry. An entry that it has yielded may be removed.
func (t *routeTable) all() iter.Seq2[SourceGroup, *route] {
	return func(yield func(SourceGroup, *route) bool) {
		for id := uint32(1); id <= t.routes.Top(); id++ {
			r := t.routes.At(id)
			if r.group == 0 {
				continue
			}
			sg := SourceGroup{netip.AddrFrom16(r.source), netip.AddrFrom16(t.groups.At(r.group).addr)}
			if !yield(sg, r) {
				return
			}
		}
	}
}

// of yields the entries of one group, which must not be changed meanwhile.
func (t *routeTable) of(group netip.Addr) iter.Seq2[netip.Addr, *route] {
	return func(yield func(netip.Addr, *route) bool) {
		gid := t.group(group)
		if gid == 0 {
			return
		}
		for id := t.groups.At(gid).routes.First; id != 0; id = t.routes.At(id).links.Next {
			if r := t.routes.At(id); !yield(netip.AddrFrom16(r.source), r) {
				return
			}
		}
	}
}

// sources lists the sources of a group that have an entry, sorted. It is valid
// until the next call.
func (t *routeTable) sources(group netip.Addr) []netip.Addr {
	t.scratch = t.scratch[:0]
	for source := range t.of(group) {
		t.scratch = append(t.scratch, source)
	}
	slices.SortFunc(t.scratch, netip.Addr.Compare)
	return t.scratch
}

// mostPaths bounds the paths that are remembered; there is one for each set of
// interfaces that any stream takes.
const mostPaths = 256

// shared returns the path that is kept for these interfaces.
func (t *routeTable) shared(incoming string, outgoing []string) *path {
	for _, p := range t.paths {
		if p.incoming == incoming && slices.Equal(p.outgoing, outgoing) {
			return p
		}
	}
	if len(t.paths) == mostPaths {
		t.paths = t.paths[:0]
	}
	p := &path{incoming, append([]string(nil), outgoing...)}
	t.paths = append(t.paths, p)
	return p
}
