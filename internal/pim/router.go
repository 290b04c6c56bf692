package pim

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"tandem/internal/instant"
	"tandem/internal/table"
)

// Router is PIM on all interfaces of one routing table.
type Router struct {
	cfg Config
	rng *rand.Rand
	now instant.Time

	ports map[string]*port
	order []*port // the ports by name

	groups  table.Table[groupState]
	trees   table.Pool[tree]
	targets table.Table[target]
	seed    table.Seed
	timers  instant.Queue[uint32] // trees by their alarms
	derived int                   // trees that Want does not name

	joined, unsent int     // trees that are joined, and those of them whose join has not been sent
	outbox         []Entry // entries to send besides the periodic joins

	bootstrap bootstrap
}

// NewRouter returns a router without interfaces that wants nothing. It draws its random
// times and generation IDs from rng.
func NewRouter(cfg Config, rng *rand.Rand, now instant.Time) *Router {
	r := &Router{cfg: cfg, rng: rng, now: now, ports: map[string]*port{}, seed: table.NewSeed(rng.Uint64())}
	r.groups.Hash = func(g *groupState) uint64 { return r.seed.Addr(g.addr) }
	r.targets.Hash = func(t *target) uint64 { return r.seed.Addr(t.addr) }
	r.timers.Moved = func(id uint32, place int) { r.trees.At(id).place = place }
	return r
}

// SetInterface begins PIM on an interface, or gives its new settings and the new state of
// its link.
func (r *Router) SetInterface(now instant.Time, name string, cfg InterfaceConfig, link Link, fx *Effects) {
	r.now = max(r.now, now)
	p := r.ports[name]
	if p == nil {
		p = &port{name: name, cfg: cfg}
		if len(r.ports) == 0 && !r.bootstrap.kept.Started.IsSet() {
			r.bootstrap.kept.Started = now
		}
		r.ports[name] = p
		r.order = append(r.order, p)
		slices.SortFunc(r.order, func(a, b *port) int { return strings.Compare(a.name, b.name) })
	}
	link.LinkLocal = link.LinkLocal.WithZone("")
	wasActive, oldCfg, old := p.active(), p.cfg, p.kept.Link
	p.cfg, p.kept.Link = cfg, link
	p.kept.Others = slices.Clone(link.Others)
	switch {
	case !p.active():
		r.silence(now, p, fx)
	case !wasActive:
		p.kept.GenerationID, p.kept.Introduced = r.rng.Uint32(), false
		p.helloSoon(now, r.rng)
		r.reroute(now, fx)
	case old.LinkLocal != link.LinkLocal || oldCfg != cfg || !slices.Equal(old.Others, link.Others):
		p.kept.HelloAt = now
		p.kept.Introduced = p.kept.Introduced && old.LinkLocal == link.LinkLocal
	}
}

// silence removes the neighbors of a port that has gone down.
func (r *Router) silence(now instant.Time, p *port, fx *Effects) {
	p.kept.HelloAt = instant.Never
	for len(p.kept.Neighbors) > 0 {
		n := p.kept.Neighbors[0].Address
		p.remove(n)
		fx.Events = append(fx.Events, Event{NeighborDown, p.name, n})
		r.dropWinner(now, p.name, n, fx)
	}
	r.reroute(now, fx)
}

// RemoveInterface ends PIM on an interface, with a good-bye to its neighbors.
func (r *Router) RemoveInterface(now instant.Time, name string, fx *Effects) {
	r.now = max(r.now, now)
	p := r.ports[name]
	if p == nil {
		return
	}
	if p.kept.Introduced {
		p.goodBye(fx)
	}
	delete(r.ports, name)
	r.order = slices.DeleteFunc(r.order, func(q *port) bool { return q == p })
	r.silence(now, p, fx)
}

// SetConfig applies a new configuration. A changed SSM range counts for a group from the next
// Want on.
func (r *Router) SetConfig(now instant.Time, cfg Config, fx *Effects) {
	r.now = max(r.now, now)
	r.cfg = cfg
	r.remap(now, fx)
}

// Receive handles a PIM message b that was received on an interface. A *DropError says
// why the message had no effect; it is already counted.
func (r *Router) Receive(now instant.Time, iface string, src, dst netip.Addr, b []byte, fx *Effects) error {
	r.now = max(r.now, now)
	p := r.ports[iface]
	if p == nil {
		return &DropError{Cause: DropLinkDown, From: src}
	}
	src, dst = src.WithZone(""), dst.WithZone("")
	m, cause, err := p.open(src, dst, b)
	if cause == accepted {
		cause = r.take(now, p, src, dst, m, fx)
	}
	if cause == accepted {
		p.kept.Counters.Received.count(m)
		return nil
	}
	p.kept.Counters.Drops.Count(cause)
	return &DropError{Cause: cause, From: src, Err: err}
}

// accepted is the value in place of a DropCause for a message that is not dropped.
const accepted = dropCauses

// open makes the checks that need no state of a neighbor.
func (p *port) open(src, dst netip.Addr, b []byte) (Message, DropCause, error) {
	switch {
	case !p.active():
		return nil, DropLinkDown, nil
	case p.isOwn(src):
		return nil, DropOwn, nil
	case !src.IsLinkLocalUnicast():
		return nil, DropSource, nil
	case !ChecksumRight(src, dst, b):
		return nil, DropChecksum, nil
	}
	m, err := Parse(b)
	if err != nil {
		return nil, DropMalformed, err
	}
	return m, accepted, nil
}

// take passes a message to its state machine, or returns why it has no effect. All
// messages except hellos must come from a neighbor (sections 4.5 and 4.6).
func (r *Router) take(now instant.Time, p *port, src, dst netip.Addr, m Message, fx *Effects) DropCause {
	if h, is := m.(*Hello); is {
		return r.heardHello(now, p, src, h, fx)
	}
	if p.exactly(src) == nil {
		return DropNeighbor
	}
	switch m := m.(type) {
	case *JoinPrune:
		return r.heardJoinPrune(now, p, m, fx)
	case *Assert:
		r.heardAssert(now, p, src, m, fx)
		return accepted
	case *Bootstrap:
		return r.heardBootstrap(now, Hop{Interface: p.name, Neighbor: src}, dst == AllRouters, m, fx)
	}
	return DropType
}

// Advance does all that is due at now.
func (r *Router) Advance(now instant.Time, fx *Effects) {
	r.now = max(r.now, now)
	for _, p := range r.order {
		if !p.active() {
			continue
		}
		if p.kept.HelloAt.IsDue(now) {
			p.hello(now, fx)
		}
		r.expireNeighbors(now, p, fx)
	}
	r.advanceBootstrap(now, fx)
	for id, _, ok := r.timers.Pop(now); ok; id, _, ok = r.timers.Pop(now) {
		r.alarm(now, id, fx)
	}
	r.flush(now, fx)
}

// Deadline returns when Advance must be called next, Never if no timer runs.
func (r *Router) Deadline() instant.Time {
	first := instant.Earliest(r.timers.Deadline(), r.bootstrap.due)
	for _, p := range r.order {
		first = instant.Earliest(first, p.deadline())
	}
	if len(r.outbox) > 0 {
		return instant.Earliest(first, r.now)
	}
	return first
}

// Joined returns the number of trees that are joined. Pending returns how many of them wait for
// a neighbor, or for their first join to be sent.
func (r *Router) Joined() int { return r.joined }

// Pending returns the number of trees that are wanted and not joined at a live neighbor.
func (r *Router) Pending() int { return r.unsent }
