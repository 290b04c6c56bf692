package device

import (
	"iter"
	"net/netip"
	"slices"

	"tandem/internal/instant"
	"tandem/internal/table"
)

// route is one forwarding entry, as last sent to the kernel. The table must do well with
// a hundred thousand groups of one source, and with one group of a thousand sources.
type route struct {
	source [16]byte
	path   *path
	RouteKept
	group uint32
	links table.Links // neighbours in the list of the group's routes
	round uint32      // number of the audit that has last seen the route
}

// RouteKept is the state of an entry without its path.
type RouteKept struct {
	Since  instant.Time
	Origin RouteOrigin
}

// path is the way of a stream: its incoming interface and its outgoing interfaces, by
// Linux name, sorted. A path without outgoing interfaces discards the stream. Routes with
// the same path share one value.
type path struct {
	incoming string
	outgoing []string
}

func (p *path) equal(other *path) bool {
	return p == other || p.incoming == other.incoming && slices.Equal(p.outgoing, other.outgoing)
}

// change returns the RouteChange that sets this entry in the kernel.
func (r *route) change(sg SourceGroup) RouteChange {
	return RouteChange{Source: sg.Source, Group: sg.Group, Incoming: r.path.incoming, Outgoing: r.path.outgoing}
}

// routeGroup is a group that has routes.
type routeGroup struct {
	addr   [16]byte
	routes table.Members
}

// routeTable holds the forwarding entries.
type routeTable struct {
	seed   table.Seed
	groups table.Table[routeGroup]
	routes table.Grouped[route]
	round  uint32 // the number of the present audit
	seen   int    // how many entries the present audit has seen
	// idle lists the idle entries in the order of their expiry.
	idle    []SourceGroup
	paths   []*path // the paths that routes share
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

// get returns an entry, nil if there is none. The pointer is valid until the entry is
// removed.
func (t *routeTable) get(sg SourceGroup) *route {
	if id := t.find(t.group(sg.Group), sg.Source); id != 0 {
		return t.routes.At(id)
	}
	return nil
}

// add makes an entry that does not exist yet.
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

// see records that the audit has seen an entry in the kernel.
func (t *routeTable) see(r *route) {
	if r.round != t.round {
		r.round = t.round
		t.seen++
	}
}

// all yields every entry. The caller may remove an entry after it was yielded.
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

// of yields the entries of one group. The caller must not add or remove entries of the
// group in the loop.
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

// sources lists the sources of a group that have an entry, sorted. The list is valid
// until the next call.
func (t *routeTable) sources(group netip.Addr) []netip.Addr {
	t.scratch = t.scratch[:0]
	for source := range t.of(group) {
		t.scratch = append(t.scratch, source)
	}
	slices.SortFunc(t.scratch, netip.Addr.Compare)
	return t.scratch
}

// mostPaths bounds the number of shared paths. There is one for each set of interfaces
// that some stream takes.
const mostPaths = 256

// shared returns the shared path with these interfaces.
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
