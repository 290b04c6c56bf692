package pim

import (
	"net/netip"
	"slices"

	"tandem/internal/instant"
)

// maxNeighbors bounds the neighbors on one link, because any host there can send hellos.
const maxNeighbors = 256

// heardHello handles a hello of another router (section 4.3.1).
func (r *Router) heardHello(now instant.Time, p *port, from netip.Addr, h *Hello, fx *Effects) DropCause {
	hold := h.HoldTime
	if !h.HasHoldTime {
		hold = DefaultInterfaceConfig().HoldTime
	}
	if hold == 0 {
		r.loseNeighbor(now, p, from, fx)
		return accepted
	}
	n := p.exactly(from)
	isNew := n == nil
	if isNew {
		if len(p.kept.Neighbors) >= maxNeighbors {
			return DropLimit
		}
		n = p.insert(from, now)
	}
	old := n.Hello
	n.Hello, n.Expires = *h, instant.Never
	if hold != Forever {
		n.Expires = now.Add(hold)
	}
	switch {
	case isNew:
		r.meet(now, p, fx, Event{NeighborUp, p.name, from})
		r.reroute(now, fx)
	case old.HasGenerationID != h.HasGenerationID || old.GenerationID != h.GenerationID:
		r.meet(now, p, fx, Event{NeighborRestarted, p.name, from})
		r.restarted(now, p, from, fx)
	case !slices.Equal(old.Addresses, h.Addresses):
		r.reroute(now, fx)
	}
	return accepted
}

// exactly returns the neighbor with this source address, nil if there is none.
func (p *port) exactly(a netip.Addr) *Neighbor {
	for i := range p.kept.Neighbors {
		if n := &p.kept.Neighbors[i]; n.Address == a {
			return n
		}
	}
	return nil
}

// meet sends a hello soon to a neighbor that does not know this router yet.
func (r *Router) meet(now instant.Time, p *port, fx *Effects, e Event) {
	p.kept.Introduced = false
	p.helloSoon(now, r.rng)
	fx.Events = append(fx.Events, e)
}

// restarted handles a neighbor that has lost its state: the joins that this router sent
// to it are sent again soon, and the asserts that it has won no longer count (sections
// 4.5.4 and 4.6.1).
func (r *Router) restarted(now instant.Time, p *port, from netip.Addr, fx *Effects) {
	r.dropWinner(now, p.name, from, fx)
	delay := p.override(r.rng) // one delay for all trees, so that few messages carry them
	for id := range r.joinedAt(p.name, from) {
		r.joinWithin(now, id, delay)
	}
	r.reroute(now, fx) // the neighbor's other addresses may have changed
}

// LoseNeighbor removes a neighbor that is lost, for instance because its BFD session is
// down.
func (r *Router) LoseNeighbor(now instant.Time, iface string, neighbor netip.Addr, fx *Effects) {
	r.now = max(r.now, now)
	if p := r.ports[iface]; p != nil {
		r.loseNeighbor(now, p, neighbor, fx)
	}
}

func (r *Router) loseNeighbor(now instant.Time, p *port, from netip.Addr, fx *Effects) {
	if p.exactly(from) == nil {
		return
	}
	p.remove(from)
	fx.Events = append(fx.Events, Event{NeighborDown, p.name, from})
	r.dropWinner(now, p.name, from, fx)
	r.reroute(now, fx)
}

// expireNeighbors removes the neighbors whose hold time is over.
func (r *Router) expireNeighbors(now instant.Time, p *port, fx *Effects) {
	for i := 0; i < len(p.kept.Neighbors); {
		if n := &p.kept.Neighbors[i]; n.Expires.IsDue(now) {
			r.loseNeighbor(now, p, n.Address, fx)
		} else {
			i++
		}
	}
}
