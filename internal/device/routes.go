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

// route is one forwarding entry as it was last given to the kernel.
type route struct {
	outgoing []string // Linux names, sorted
	since    time.Duration
	origin   RouteOrigin
	expires  time.Duration // of an idle entry
}

// routeTable holds the entries by group, then source.
type routeTable struct {
	groups map[netip.Addr]map[netip.Addr]*route
	count  int
	// idle lists the idle entries in the order of their expiry.
	idle []SourceGroup
}

func newRouteTable() routeTable {
	return routeTable{groups: make(map[netip.Addr]map[netip.Addr]*route)}
}

func (t *routeTable) get(sg SourceGroup) *route { return t.groups[sg.Group][sg.Source] }

func (t *routeTable) put(sg SourceGroup, r *route) {
	sources := t.groups[sg.Group]
	if sources == nil {
		sources = make(map[netip.Addr]*route, 1)
		t.groups[sg.Group] = sources
	}
	if sources[sg.Source] == nil {
		t.count++
	}
	sources[sg.Source] = r
}

func (t *routeTable) remove(sg SourceGroup) {
	sources := t.groups[sg.Group]
	if sources[sg.Source] == nil {
		return
	}
	t.count--
	if delete(sources, sg.Source); len(sources) == 0 {
		delete(t.groups, sg.Group)
	}
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
	if want.Mode == mld.Include {
		for _, source := range want.Sources {
			d.reroute(now, SourceGroup{source, group}, RouteSSM)
		}
	}
	for source, r := range d.routes.groups[group] {
		d.reroute(now, SourceGroup{source, group}, r.origin)
	}
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
	r := &route{outgoing: outgoing, since: now, origin: origin}
	if old != nil {
		r.since = old.since
	}
	d.routes.put(sg, r)
	d.emitRoute(sg, r)
}

func (d *Device) dropRoute(sg SourceGroup) {
	d.routes.remove(sg)
	d.routesDirty = true
	d.fx.Routes = append(d.fx.Routes, RouteChange{Source: sg.Source, Group: sg.Group, Delete: true})
}

func (d *Device) emitRoute(sg SourceGroup, r *route) {
	d.routesDirty = true
	d.fx.Routes = append(d.fx.Routes, RouteChange{
		Source: sg.Source, Group: sg.Group, Upstream: d.upstream.netdev, Outgoing: r.outgoing,
	})
}

// outgoing lists the Linux names of the interfaces whose listeners want sg.
func (d *Device) outgoing(sg SourceGroup) []string {
	var names []string
	for _, ifc := range d.order.downstreams {
		if ifc.link.Exists && ifc.router.Wants(sg.Group, sg.Source) {
			names = append(names, ifc.netdev)
		}
	}
	slices.Sort(names)
	return names
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
		d.emitRoute(sg, r)
		return
	}
	if d.reroute(now, sg, RouteASM); d.routes.get(sg) == nil {
		r := &route{since: now, origin: RouteIdle, expires: now + idleLife}
		d.routes.put(sg, r)
		d.routes.idle = append(d.routes.idle, sg)
		d.emitRoute(sg, r)
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
	for group, sources := range d.routes.groups {
		for source, r := range sources {
			sg := SourceGroup{source, group}
			if r.origin != RouteIdle {
				r.outgoing = d.outgoing(sg)
			}
			d.emitRoute(sg, r)
		}
	}
}
