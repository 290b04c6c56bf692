package sim

import (
	"net/netip"
	"slices"

	"tandem/internal/device"
	"tandem/internal/instant"
	"tandem/internal/proof"
)

// handle passes an event to the daemon. If the daemon is stopped, the event waits in a
// queue of the simulated kernel.
func (n *node) handle(ev device.Event) {
	switch {
	case !n.alive():
	case n.stall != nil:
		n.stall.put(ev)
	default:
		n.dev.Handle(n.w.now, ev)
	}
}

func (n *node) tellLinks() {
	n.toldUp, n.toldLegMute = n.legUp(), n.legMute()
	up := device.LinkChanged{Netdev: upName, Exists: true, Index: 2, AdminUp: true, Up: n.upCable(), LinkLocal: n.linkLocal()}
	if n.upMutes > 0 {
		up.LinkLocal, up.Lacks = netip.Addr{}, proof.LacksLinkLocal
	}
	n.handle(up)
	for v := range vlans {
		leg := device.LinkChanged{Netdev: legName(v), Exists: true, Index: 3 + v, AdminUp: n.legAdmin, Up: n.legUp(), Heard: n.forwards(), LinkLocal: n.linkLocal()}
		switch {
		case n.legOffs > 0:
			leg.LinkLocal, leg.Lacks = netip.Addr{}, proof.LacksIPv6
		case n.legMutes > 0:
			leg.LinkLocal, leg.Lacks = netip.Addr{}, proof.LacksLinkLocal
		}
		n.handle(leg)
	}
}

// legMute reports whether the kernel refuses to send MLD on the leg.
func (n *node) legMute() bool { return n.legMutes+n.legOffs > 0 }

// linkChanged lets the daemon notice a change of its links.
func (n *node) linkChanged() { n.w.after(carrierDelay, n.tellLinks) }

// pump carries out the effects of the daemon until there are no more.
func (n *node) pump() {
	for n.running() {
		if !n.carryOut(n.dev.Effects()) {
			break
		}
		n.moved = true
	}
	if n.running() {
		n.armTimer()
		n.wasQuerier = n.duty().Querier
	}
	if n.moved {
		n.moved = false
		n.count()
		n.upcalls()
		for i, s := range n.w.streams {
			n.sending[i] = n.sends(s)
		}
	}
}

// armTimer schedules the next Advance.
func (n *node) armTimer() {
	at := n.dev.Deadline()
	if !at.IsSet() || n.wakeAt.IsDue(at) {
		return
	}
	at = max(at, n.w.now)
	n.wakeAt = at
	dev := n.dev
	n.w.after(at.Sub(n.w.now), func() {
		if n.dev == dev && n.wakeAt == at {
			n.wakeAt = instant.Never
			if n.running() {
				n.dev.Advance(n.w.now)
			}
		}
	})
}

// carryOut carries out effects. It returns false if there were none.
func (n *node) carryOut(todo *device.Effects) bool {
	for _, r := range todo.Routes {
		sg := device.SourceGroup{Source: r.Source, Group: r.Group}
		if r.Delete {
			delete(n.routes, sg)
		} else {
			n.routes[sg] = r.Outgoing
		}
		delete(n.asked, sg)
	}
	n.watchStreams(todo)
	if todo.Gate != nil {
		if n.w.opts.Arriving && !slices.Equal(n.gate.Exceptions, todo.Gate.Exceptions) {
			n.w.logf("%s's exceptions: %v", n.name, todo.Gate.Exceptions)
		}
		n.gate = *todo.Gate
	}
	for _, leg := range todo.Legs {
		n.w.logf("%s's daemon sets its leg up=%v", n.name, leg.Up)
		n.legAdmin = leg.Up
		n.linkChanged()
	}
	for _, m := range todo.MLD {
		n.sendMLD(m)
	}
	for _, h := range todo.Hellos {
		n.sendHello(h)
	}
	for _, ch := range todo.Channels {
		n.serveChannel(ch.Effects)
	}
	for _, e := range todo.Events {
		n.w.logf("%s: %s %s", n.name, e.Name, e.Facts())
	}
	return len(todo.Routes)+len(todo.Legs)+len(todo.MLD)+len(todo.Hellos)+len(todo.Channels)+len(todo.Events) > 0 || todo.Gate != nil
}

// upcalls makes upcalls for the streams that arrive without a route.
func (n *node) upcalls() {
	if !n.alive() {
		return
	}
	for _, s := range n.w.streams {
		sg := s.key()
		if _, routed := n.routes[sg]; routed || n.asked[sg] || !n.receives(s) {
			continue
		}
		n.asked[sg] = true
		dev := n.dev
		n.w.after(upcallDelay, func() {
			if n.dev == dev && n.asked[sg] {
				delete(n.asked, sg)
				n.moved = true
				n.handle(device.StreamArrived{Netdev: upName, Source: s.source, Group: s.group})
			}
		})
	}
}
