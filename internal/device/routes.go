package device

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
	"tandem/internal/mld"
)

// idleLife is how long the entry of an unwanted stream stays. As long as it exists, the
// kernel makes no upcalls for the stream.
const idleLife = time.Minute

// mostIdle bounds the number of idle entries: about 30 MB here and in the kernel. One
// more replaces the oldest. If the stream of the replaced entry still comes, the kernel
// makes an upcall again.
const mostIdle = 1 << 16

// KeepAlive is how long an entry stays without a packet, if its listeners want any source
// (PIM's Keepalive_Period, RFC 7761 section 4.11). The stream's next packet makes the
// entry again. Entries whose listeners name the source stay, so that the first packet
// finds an entry.
const KeepAlive = 210 * time.Second

// routing decides by which interface each (S,G) comes in, and by which interfaces it goes
// out.
type routing struct {
	*ground
	table       *routeTable
	downstreams *downstreams
	upstream    upstream
	arrivals    rerouter
}

// rerouter is called when routes change.
type rerouter interface {
	// rerouted says that the route of a stream has changed or has been removed.
	rerouted(now instant.Time, sg SourceGroup)
}

// regroup makes the joins upstream and the routes of a group agree with what the
// listeners of all interfaces want now.
func (rt *routing) regroup(now instant.Time, group netip.Addr) {
	want := rt.downstreams.wanted(group)
	rt.upstream.want(now, group, want)
	named := want.Sources
	if want.Mode == mld.Exclude {
		named = rt.downstreams.named(group)
	}
	for _, source := range rt.table.sources(group) {
		sg := SourceGroup{source, group}
		r := rt.table.get(sg)
		origin := r.Origin
		if _, still := slices.BinarySearchFunc(named, source, netip.Addr.Compare); origin == RouteSSM && !still {
			origin = RouteASM
		}
		rt.reroute(now, sg, r, origin)
	}
	for _, source := range named {
		sg := SourceGroup{source, group}
		if r := rt.table.get(sg); r == nil || r.Origin != RouteSSM {
			rt.reroute(now, sg, r, RouteSSM)
		}
	}
}

// reroute computes the route of one (S,G): its incoming interface, and the interfaces
// whose listeners want it now. old is the present route, nil if there is none.
func (rt *routing) reroute(now instant.Time, sg SourceGroup, old *route, origin RouteOrigin) {
	incoming := rt.upstream.incoming(sg)
	if incoming == "" && old == nil {
		return
	}
	way := rt.path(sg, incoming)
	switch discards := len(way.outgoing) == 0; {
	case incoming == "" || discards && old != nil && origin != RouteIdle:
		rt.dropRoute(now, sg)
		return
	case discards:
		return
	case origin == RouteIdle:
		origin = RouteASM
	}
	switch {
	case old == nil:
		old = rt.table.add(sg, route{path: way, RouteKept: RouteKept{now, origin}})
	case old.path.equal(way):
		old.Origin = origin
		return
	default:
		rt.table.see(old)
		old.path, old.Origin = way, origin
	}
	rt.emitRoute(now, sg, old)
}

func (rt *routing) dropRoute(now instant.Time, sg SourceGroup) {
	rt.table.remove(sg)
	rt.agenda.add(stageRoutes, now)
	rt.fx.Routes = append(rt.fx.Routes, RouteChange{Source: sg.Source, Group: sg.Group, Delete: true})
	rt.arrivals.rerouted(now, sg)
}

func (rt *routing) emitRoute(now instant.Time, sg SourceGroup, r *route) {
	rt.agenda.add(stageRoutes, now)
	rt.fx.Routes = append(rt.fx.Routes, r.change(sg))
	rt.arrivals.rerouted(now, sg)
}

// path returns the path that a stream should take now. Without outgoing interfaces, the
// path discards the stream.
func (rt *routing) path(sg SourceGroup, incoming string) *path {
	var room [8]string
	return rt.table.shared(incoming, rt.downstreams.wanting(sg, room[:0]))
}

// streamArrived answers the kernel's upcall with an entry: for the interfaces that want
// the stream, or one that discards the stream, so that the kernel makes no more upcalls
// for it.
func (rt *routing) streamArrived(now instant.Time, ev StreamArrived) {
	sg := SourceGroup{ev.Source, ev.Group}
	incoming := rt.upstream.incoming(sg)
	if incoming == "" || ev.Netdev != incoming {
		rt.kept.Counters.StreamElsewhere++
		return
	}
	if r := rt.table.get(sg); r != nil { // the kernel has lost the entry, or made the upcall before the entry was set
		rt.emitRoute(now, sg, r)
		return
	}
	if rt.reroute(now, sg, nil, RouteASM); rt.table.get(sg) == nil {
		rt.table.idle = append(rt.table.idle, sg)
		rt.emitRoute(now, sg, rt.table.add(sg, route{path: rt.table.shared(incoming, nil), RouteKept: RouteKept{now, RouteIdle}}))
		rt.expireIdle(now)
	}
}

// streamsSilent drops entries whose streams have not come for KeepAlive.
func (rt *routing) streamsSilent(now instant.Time, ev StreamsSilent) {
	for _, sg := range ev.Streams {
		if r := rt.table.get(sg); r != nil && r.Origin == RouteASM {
			rt.dropRoute(now, sg)
			rt.kept.Counters.StreamsSilent++
		}
	}
}

// expireIdle drops the idle entries that are due or beyond the bound. A stream that still
// comes makes a new entry.
func (rt *routing) expireIdle(now instant.Time) {
	for len(rt.table.idle) > 0 {
		sg := rt.table.idle[0]
		r := rt.table.get(sg)
		if r != nil && r.Origin == RouteIdle && r.Since.Add(idleLife) > now && len(rt.table.idle) <= mostIdle {
			return
		}
		rt.table.idle = rt.table.idle[1:]
		if r != nil && r.Origin == RouteIdle {
			rt.dropRoute(now, sg)
		}
	}
}

// withdraw drops the entries of all streams that came in by an interface.
func (rt *routing) withdraw(now instant.Time, incoming string) {
	for sg, r := range rt.table.all() {
		if r.path.incoming == incoming {
			rt.dropRoute(now, sg)
		}
	}
}

// regroupAll computes joins and routes of every group again.
func (rt *routing) regroupAll(now instant.Time) {
	seen := make(map[netip.Addr]bool)
	for group := range rt.downstreams.groups() {
		if !seen[group] {
			seen[group] = true
			rt.regroup(now, group)
		}
	}
}

// reinstall sends every entry to the kernel again, after an interface has come back.
func (rt *routing) reinstall(now instant.Time) {
	for sg, r := range rt.table.all() {
		if r.Origin != RouteIdle {
			r.path = rt.path(sg, rt.upstream.incoming(sg))
		}
		rt.emitRoute(now, sg, r)
	}
}

// resume adds the entries that streams have made and sends all entries to the kernel. It
// does so only when all interfaces have their records, so that the kernel never gets an
// entry for only some of the listeners.
func (rt *routing) resume(now instant.Time, cp *Checkpoint) {
	for _, rc := range cp.Routes {
		sg := SourceGroup{rc.Source, rc.Group}
		incoming := rt.upstream.incoming(sg)
		if incoming == "" {
			continue
		}
		if r := rt.table.get(sg); r != nil {
			r.Since = rc.Kept.Since
			continue
		}
		way := rt.path(sg, incoming)
		if rc.Kept.Origin == RouteSSM || len(way.outgoing) == 0 && rc.Kept.Origin != RouteIdle {
			continue
		}
		rt.table.add(sg, route{path: way, RouteKept: rc.Kept})
		if rc.Kept.Origin == RouteIdle {
			rt.table.idle = append(rt.table.idle, sg)
		}
	}
	slices.SortFunc(rt.table.idle, func(a, b SourceGroup) int {
		return int(rt.table.get(a).Since.Sub(rt.table.get(b).Since))
	})
	rt.fx.Routes = rt.fx.Routes[:0]
	rt.reinstall(now)
}

// deadline returns when the next idle entry ends, Never if there is none.
func (rt *routing) deadline() instant.Time {
	if len(rt.table.idle) > 0 {
		if r := rt.table.get(rt.table.idle[0]); r != nil && r.Origin == RouteIdle {
			return r.Since.Add(idleLife)
		}
	}
	return instant.Never
}
