package device

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
	"tandem/internal/mld"
)

// idleLife is how long the entry of an unwanted stream keeps the kernel from
// asking about it again.
const idleLife = time.Minute

// mostIdle bounds how many of them there are, about 30 MB here and in the kernel. One more takes
// the place of the oldest; if that stream still comes, the kernel asks about it again.
const mostIdle = 1 << 16

// KeepAlive is how long the entry of a stream that listeners want from any source
// stays without a packet (PIM's Keepalive_Period, RFC 7761 section 4.11). The
// stream's next packet makes it anew. Entries that listeners asked for by
// source stay, so that the first packet finds them.
const KeepAlive = 210 * time.Second

// regroup brings upstream membership and forwarding of a group in line with
// what the listeners of all interfaces want now.
func (d *Device) regroup(now instant.Time, group netip.Addr) {
	want := d.wanted(group)
	d.upstream.want(now, group, want)
	named := want.Sources
	if want.Mode == mld.Exclude {
		named = d.named(group)
	}
	for _, source := range d.routes.sources(group) {
		sg := SourceGroup{source, group}
		r := d.routes.get(sg)
		origin := r.Origin
		if _, still := slices.BinarySearchFunc(named, source, netip.Addr.Compare); origin == RouteSSM && !still {
			origin = RouteASM
		}
		d.reroute(now, sg, r, origin)
	}
	for _, source := range named {
		sg := SourceGroup{source, group}
		if r := d.routes.get(sg); r == nil || r.Origin != RouteSSM {
			d.reroute(now, sg, r, RouteSSM)
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
		merged = merged.Union(ifc.router.Filter(group))
	}
	return merged
}

// reroute sets the entry of one (S,G), nil when there is none, to the interfaces
// that want it now.
func (d *Device) reroute(now instant.Time, sg SourceGroup, old *route, origin RouteOrigin) {
	if !d.upstream.exists() {
		return
	}
	out := d.outgoing(sg)
	switch {
	case out == nil && (old == nil || origin == RouteIdle):
		return
	case out == nil:
		d.dropRoute(now, sg)
		return
	case origin == RouteIdle:
		origin = RouteASM
	}
	switch {
	case old == nil:
		old = d.routes.add(sg, route{outgoing: out, RouteKept: RouteKept{now, origin}})
	case slices.Equal(old.outgoing.list(), out.list()):
		old.Origin = origin
		return
	default:
		d.routes.see(old)
		old.outgoing, old.Origin = out, origin
	}
	d.emitRoute(now, sg, old)
}

func (d *Device) dropRoute(now instant.Time, sg SourceGroup) {
	d.routes.remove(sg)
	d.agenda.add(stageRoutes, now)
	d.fx.Routes = append(d.fx.Routes, RouteChange{Source: sg.Source, Group: sg.Group, Delete: true})
}

func (d *Device) emitRoute(now instant.Time, sg SourceGroup, r *route) {
	d.agenda.add(stageRoutes, now)
	d.fx.Routes = append(d.fx.Routes, d.routeChange(sg, r))
}

// outgoing is the interfaces whose listeners want sg, nil when there are none.
func (d *Device) outgoing(sg SourceGroup) *outgoing {
	var room [8]string
	names := room[:0]
	for _, ifc := range d.order.downstreams {
		if ifc.link.Exists && ifc.router.Wants(sg.Group, sg.Source) {
			names = append(names, ifc.netdev)
		}
	}
	slices.Sort(names)
	return d.routes.shared(names)
}

// streamArrived answers the kernel's upcall: an entry for those who want the
// stream, or one that discards it so that the kernel stops asking.
func (d *Device) streamArrived(now instant.Time, ev StreamArrived) {
	if !d.upstream.isOn(ev.Netdev) {
		d.kept.Counters.StreamElsewhere++
		return
	}
	sg := SourceGroup{ev.Source, ev.Group}
	if r := d.routes.get(sg); r != nil { // the kernel has lost it, or asked before it was set
		d.emitRoute(now, sg, r)
		return
	}
	if d.reroute(now, sg, nil, RouteASM); d.routes.get(sg) == nil {
		d.routes.idle = append(d.routes.idle, sg)
		d.emitRoute(now, sg, d.routes.add(sg, route{RouteKept: RouteKept{now, RouteIdle}}))
		d.expireIdle(now)
	}
}

// streamsSilent drops the entries of streams that have not come for KeepAlive.
func (d *Device) streamsSilent(now instant.Time, ev StreamsSilent) {
	for _, sg := range ev.Streams {
		if r := d.routes.get(sg); r != nil && r.Origin == RouteASM {
			d.dropRoute(now, sg)
			d.kept.Counters.StreamsSilent++
		}
	}
}

// expireIdle drops the idle entries that are due, or too many; a stream that still comes
// makes a new one.
func (d *Device) expireIdle(now instant.Time) {
	for len(d.routes.idle) > 0 {
		sg := d.routes.idle[0]
		r := d.routes.get(sg)
		if r != nil && r.Origin == RouteIdle && r.Since.Add(idleLife) > now && len(d.routes.idle) <= mostIdle {
			return
		}
		d.routes.idle = d.routes.idle[1:]
		if r != nil && r.Origin == RouteIdle {
			d.dropRoute(now, sg)
		}
	}
}

// reinstall gives every entry to the kernel again, after an interface came back.
func (d *Device) reinstall(now instant.Time) {
	for sg, r := range d.routes.all() {
		if r.Origin != RouteIdle {
			r.outgoing = d.outgoing(sg)
		}
		d.emitRoute(now, sg, r)
	}
}
