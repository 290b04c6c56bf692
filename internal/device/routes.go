package device

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/mld"
)

// idleLife is how long the entry of an unwanted stream keeps the kernel from
// asking about it again.
const idleLife = time.Minute

// KeepAlive is how long the entry of a stream that listeners want from any source
// stays without a packet (PIM's Keepalive_Period, RFC 7761 section 4.11). The
// stream's next packet makes it anew. Entries that listeners asked for by
// source stay, so that the first packet finds them.
const KeepAlive = 210 * time.Second

// route is one forwarding entry as it was last given to the kernel.
type route struct {
	source   netip.Addr
	outgoing []string // Linux names, sorted; shared by all routes that are alike
	since    time.Duration
	expires  time.Duration // of an idle entry
	round    uint32        // of the audit that has seen it last
	origin   RouteOrigin
}

// routeTable holds the entries by group. There are a hundred thousand groups
// with one source each, and now and then a group with a thousand.
type routeTable struct {
	groups map[netip.Addr][]route // sorted by source
	count  int
	round  uint32 // the number of the audit
	seen   int    // by it
	// idle lists the idle entries in the order of their expiry.
	idle []SourceGroup
	// lists are the outgoing lists in use, each kept once.
	lists   [][]string
	scratch []netip.Addr
}

func newRouteTable() routeTable {
	return routeTable{groups: make(map[netip.Addr][]route)}
}

func findRoute(routes []route, source netip.Addr) (int, bool) {
	return slices.BinarySearchFunc(routes, source, func(r route, a netip.Addr) int { return r.source.Compare(a) })
}

// get returns an entry, nil when there is none. It is valid until the group's
// entries change.
func (t *routeTable) get(sg SourceGroup) *route {
	routes := t.groups[sg.Group]
	if i, found := findRoute(routes, sg.Source); found {
		return &routes[i]
	}
	return nil
}

func (t *routeTable) put(group netip.Addr, r route) {
	routes := t.groups[group]
	i, found := findRoute(routes, r.source)
	if found {
		t.see(&routes[i])
		r.round = t.round
		routes[i] = r
		return
	}
	t.count++
	t.seen++
	r.round = t.round
	if routes == nil {
		routes = make([]route, 0, 1)
	}
	t.groups[group] = slices.Insert(routes, i, r)
}

func (t *routeTable) remove(sg SourceGroup) {
	routes := t.groups[sg.Group]
	i, found := findRoute(routes, sg.Source)
	if !found {
		return
	}
	t.count--
	if routes[i].round == t.round {
		t.seen--
	}
	if routes = slices.Delete(routes, i, i+1); len(routes) == 0 {
		delete(t.groups, sg.Group)
	} else {
		t.groups[sg.Group] = routes
	}
}

// sources lists the sources of a group that have an entry. It is valid until the next call.
func (t *routeTable) sources(group netip.Addr) []netip.Addr {
	t.scratch = t.scratch[:0]
	for _, r := range t.groups[group] {
		t.scratch = append(t.scratch, r.source)
	}
	return t.scratch
}

// mostLists bounds the lists that are remembered; there is one for each set of
// interfaces that any stream goes to.
const mostLists = 256

// shared returns the list that is kept for a set of interfaces.
func (t *routeTable) shared(names []string) []string {
	for _, list := range t.lists {
		if slices.Equal(list, names) {
			return list
		}
	}
	if len(t.lists) == mostLists {
		t.lists = t.lists[:0]
	}
	names = slices.Clone(names)
	t.lists = append(t.lists, names)
	return names
}

// regroup brings upstream membership and forwarding of a group in line with
// what the listeners of all interfaces want now.
func (d *Device) regroup(now time.Duration, group netip.Addr) {
	want := d.wanted(group)
	if d.upstream != nil {
		pending := d.upstream.proxy.Pending() > 0
		d.upstream.proxy.Want(now, group, want)
		if pending != (d.upstream.proxy.Pending() > 0) { // readiness waits for it
			d.dutyDirty = true
		}
	}
	named := want.Sources
	if want.Mode == mld.Exclude {
		named = d.named(group)
	}
	for _, source := range d.routes.sources(group) {
		sg := SourceGroup{source, group}
		origin := d.routes.get(sg).origin
		if _, still := slices.BinarySearchFunc(named, source, netip.Addr.Compare); origin == RouteSSM && !still {
			origin = RouteASM
		}
		d.reroute(now, sg, origin)
	}
	for _, source := range named {
		sg := SourceGroup{source, group}
		if r := d.routes.get(sg); r == nil || r.origin != RouteSSM {
			d.reroute(now, sg, RouteSSM)
		}
	}
}

// named lists the sources of a group that the listeners of some interface want
// by name, sorted, where those of another want any.
func (d *Device) named(group netip.Addr) []netip.Addr {
	var sources []netip.Addr
	for _, ifc := range d.order.downstreams {
		if f := ifc.router.Filter(group); f.Mode == mld.Include {
			sources = append(sources, f.Sources...)
		}
	}
	slices.SortFunc(sources, netip.Addr.Compare)
	return slices.Compact(sources)
}

// wanted merges the filters of all downstream interfaces (RFC 4605, section 3).
func (d *Device) wanted(group netip.Addr) mld.Filter {
	var merged mld.Filter
	for _, ifc := range d.order.downstreams {
		merged = union(merged, ifc.router.Filter(group))
	}
	return merged
}

// reroute sets the entry of one (S,G) to the interfaces that want it now.
func (d *Device) reroute(now time.Duration, sg SourceGroup, origin RouteOrigin) {
	if d.upstream == nil {
		return
	}
	outgoing := d.outgoing(sg)
	old := d.routes.get(sg)
	switch {
	case len(outgoing) == 0 && old == nil, old != nil && origin == RouteIdle && len(outgoing) == 0:
		return
	case len(outgoing) == 0:
		d.dropRoute(sg)
		return
	case origin == RouteIdle:
		origin = RouteASM
	}
	if old != nil && slices.Equal(old.outgoing, outgoing) {
		old.origin = origin
		return
	}
	r := route{source: sg.Source, outgoing: outgoing, since: now, origin: origin}
	if old != nil {
		r.since = old.since
	}
	d.routes.put(sg.Group, r)
	d.emitRoute(sg, r)
}

func (d *Device) dropRoute(sg SourceGroup) {
	d.routes.remove(sg)
	d.routesDirty = true
	d.fx.Routes = append(d.fx.Routes, RouteChange{Source: sg.Source, Group: sg.Group, Delete: true})
}

func (d *Device) emitRoute(sg SourceGroup, r route) {
	d.routesDirty = true
	d.fx.Routes = append(d.fx.Routes, RouteChange{
		Source: sg.Source, Group: sg.Group, Upstream: d.upstream.netdev, Outgoing: r.outgoing,
	})
}

// outgoing lists the Linux names of the interfaces whose listeners want sg.
func (d *Device) outgoing(sg SourceGroup) []string {
	var room [8]string
	names := room[:0]
	for _, ifc := range d.order.downstreams {
		if ifc.link.Exists && ifc.router.Wants(sg.Group, sg.Source) {
			names = append(names, ifc.netdev)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return d.routes.shared(names)
}

// streamArrived answers the kernel's upcall: an entry for those who want the
// stream, or one that discards it so that the kernel stops asking.
func (d *Device) streamArrived(now time.Duration, ev StreamArrived) {
	if d.upstream == nil || ev.Netdev != d.upstream.netdev {
		d.counters.streamElsewhere++
		return
	}
	sg := SourceGroup{ev.Source, ev.Group}
	if r := d.routes.get(sg); r != nil { // the kernel has lost it, or asked before it was set
		d.emitRoute(sg, *r)
		return
	}
	if d.reroute(now, sg, RouteASM); d.routes.get(sg) == nil {
		r := route{source: sg.Source, since: now, origin: RouteIdle, expires: now + idleLife}
		d.routes.put(sg.Group, r)
		d.routes.idle = append(d.routes.idle, sg)
		d.emitRoute(sg, r)
	}
}

// streamsSilent drops the entries of streams that have not come for KeepAlive.
func (d *Device) streamsSilent(ev StreamsSilent) {
	for _, sg := range ev.Streams {
		if r := d.routes.get(sg); r != nil && r.origin == RouteASM {
			d.dropRoute(sg)
			d.counters.streamsSilent++
		}
	}
}

// expireIdle drops the idle entries that are due; a stream that still comes
// makes a new one.
func (d *Device) expireIdle(now time.Duration) {
	for len(d.routes.idle) > 0 {
		sg := d.routes.idle[0]
		r := d.routes.get(sg)
		if r != nil && r.origin == RouteIdle && r.expires > now {
			return
		}
		d.routes.idle = d.routes.idle[1:]
		if r != nil && r.origin == RouteIdle {
			d.dropRoute(sg)
		}
	}
}

// reinstall gives every entry to the kernel again, after an interface came back.
func (d *Device) reinstall() {
	for group, routes := range d.routes.groups {
		for i := range routes {
			r := &routes[i]
			sg := SourceGroup{r.source, group}
			if r.origin != RouteIdle {
				r.outgoing = d.outgoing(sg)
			}
			d.emitRoute(sg, *r)
		}
	}
}
