package pim

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// port is PIM on one interface: hellos and neighbors (section 4.3).
type port struct {
	name string
	cfg  InterfaceConfig
	kept PortKept
}

// PortKept is the state of a port that outlives an event.
type PortKept struct {
	Link
	// GenerationID is drawn whenever the interface comes up.
	GenerationID uint32
	HelloAt      instant.Time // when the next hello is due (Hello Timer)
	// Introduced says that every neighbor may have received a hello of this router.
	// Before that, neighbors drop its joins.
	Introduced bool
	Neighbors  []Neighbor // sorted by address
	Counters   Counters
}

// Neighbor is another PIM router on a link.
type Neighbor struct {
	Address netip.Addr
	// Hello is the last hello of the neighbor.
	Hello   Hello
	Since   instant.Time
	Expires instant.Time // when the neighbor expires (Neighbor Liveness Timer); Never if it does not
}

// active reports whether the port sends and receives.
func (p *port) active() bool { return p.kept.Up && p.kept.LinkLocal.IsValid() }

// isOwn reports whether an address is one of this router on the link.
func (p *port) isOwn(a netip.Addr) bool {
	return a == p.kept.LinkLocal || slices.Contains(p.kept.Others, a)
}

// neighbor returns the neighbor with an address, which may be one of its other addresses
// (the macro NBR of section 4.1.5), nil if there is none.
func (p *port) neighbor(a netip.Addr) *Neighbor {
	for i := range p.kept.Neighbors {
		n := &p.kept.Neighbors[i]
		if n.Address == a || slices.Contains(n.Hello.Addresses, a) {
			return n
		}
	}
	return nil
}

// insert adds a neighbor without a hello.
func (p *port) insert(a netip.Addr, now instant.Time) *Neighbor {
	i, _ := slices.BinarySearchFunc(p.kept.Neighbors, a, func(n Neighbor, a netip.Addr) int { return n.Address.Compare(a) })
	p.kept.Neighbors = slices.Insert(p.kept.Neighbors, i, Neighbor{Address: a, Since: now})
	return &p.kept.Neighbors[i]
}

func (p *port) remove(a netip.Addr) {
	p.kept.Neighbors = slices.DeleteFunc(p.kept.Neighbors, func(n Neighbor) bool { return n.Address == a })
}

// deadline returns when a hello is due or a neighbor expires, Never if nothing is due.
func (p *port) deadline() instant.Time {
	if !p.active() {
		return instant.Never
	}
	first := p.kept.HelloAt
	for i := range p.kept.Neighbors {
		first = instant.Earliest(first, p.kept.Neighbors[i].Expires)
	}
	return first
}

// helloSoon schedules a hello within the triggered hello delay (section 4.3.1).
func (p *port) helloSoon(now instant.Time, rng *rand.Rand) {
	p.kept.HelloAt = instant.Earliest(p.kept.HelloAt, now.Add(upTo(rng, p.cfg.TriggeredHello)))
}

// hello sends a hello and schedules the next one.
func (p *port) hello(now instant.Time, fx *Effects) {
	p.kept.HelloAt, p.kept.Introduced = now.Add(p.cfg.HelloInterval), true
	p.send(p.ownHello(p.cfg.HoldTime), fx)
}

// goodBye announces to the neighbors that this router goes (section 4.3.1).
func (p *port) goodBye(fx *Effects) {
	if p.active() {
		p.send(p.ownHello(0), fx)
	}
	p.kept.HelloAt = instant.Never
}

func (p *port) ownHello(hold time.Duration) *Hello {
	return &Hello{
		HoldTime: hold, HasHoldTime: true,
		PruneDelay: &PruneDelay{p.cfg.Tracking, p.cfg.PropagationDelay, p.cfg.OverrideInterval},
		DRPriority: p.cfg.DRPriority, HasDRPriority: true,
		GenerationID: p.kept.GenerationID, HasGenerationID: true,
		Addresses: p.kept.Others,
	}
}

// send sends a message to all routers of the link.
func (p *port) send(m Message, fx *Effects) {
	b := Append(nil, m)
	SetChecksum(p.kept.LinkLocal, AllRouters, b)
	fx.Packets = append(fx.Packets, OutPacket{p.name, p.kept.LinkLocal, AllRouters, b})
	p.kept.Counters.Sent.count(m)
}

// delayEnabled is LAN_Delay_Enabled of section 4.3.3: all neighbors have sent the option.
func (p *port) delayEnabled() bool {
	return !slices.ContainsFunc(p.kept.Neighbors, func(n Neighbor) bool { return n.Hello.PruneDelay == nil })
}

// override draws the random delay before this router overrides a prune (t_override,
// section 4.11).
func (p *port) override(rng *rand.Rand) time.Duration {
	most := p.cfg.OverrideInterval
	if p.delayEnabled() {
		for i := range p.kept.Neighbors {
			most = max(most, p.kept.Neighbors[i].Hello.PruneDelay.Override)
		}
	} else {
		most = DefaultInterfaceConfig().OverrideInterval
	}
	return upTo(rng, most)
}

// suppresses is Suppression_Enabled of section 4.3.3: some router of the link needs the
// suppression of joins.
func (p *port) suppresses() bool {
	return !p.cfg.Tracking || !p.delayEnabled() ||
		slices.ContainsFunc(p.kept.Neighbors, func(n Neighbor) bool { return !n.Hello.PruneDelay.Tracking })
}

// designated returns the designated router of the link (section 4.3.2): the router of the
// highest priority, if all routers send one, then that of the highest address.
func (p *port) designated() netip.Addr {
	byPriority := !slices.ContainsFunc(p.kept.Neighbors, func(n Neighbor) bool { return !n.Hello.HasDRPriority })
	best, priority := p.kept.LinkLocal, p.cfg.DRPriority
	for i := range p.kept.Neighbors {
		n := &p.kept.Neighbors[i]
		switch {
		case byPriority && n.Hello.DRPriority != priority:
			if n.Hello.DRPriority < priority {
				continue
			}
		case !best.Less(n.Address):
			continue
		}
		best, priority = n.Address, n.Hello.DRPriority
	}
	return best
}

// upTo draws a random time from 0 to most.
func upTo(rng *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(max(most, 0)) + 1))
}
