package pim

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// Times of RFC 5059, section 5.
const (
	bsPeriod  = 60 * time.Second  // time between two Bootstraps of one router
	bsTimeout = 130 * time.Second // time after which a bootstrap router without Bootstraps counts as gone
)

// Bounds of what is learnt from bootstrap routers: zones, and ranges of groups in each
// zone.
const (
	maxZones  = 16
	maxRanges = 256
)

// bootstrap holds what this router has learnt from bootstrap routers. It is no candidate
// itself (RFC 5059, section 3.1.2).
type bootstrap struct {
	kept BootstrapKept
	// waiting is a Bootstrap that cannot be checked until the next hops towards its
	// bootstrap router are known; nil for none.
	waiting *waitingBootstrap
	due     instant.Time // when the first bootstrap router or RP expires
}

// BootstrapKept is the state of the bootstrap routers that outlives an event.
type BootstrapKept struct {
	Started instant.Time // when the first interface began to use PIM
	Zones   []Zone       // sorted by range
}

// Zone is what has been learnt for one admin scope zone, or for all groups together.
type Zone struct {
	// Range is the range of the zone, the zero Prefix for all groups.
	Range netip.Prefix
	// BSR is the bootstrap router, the zero Addr if there is none at present.
	BSR         netip.Addr
	Priority    uint8
	HashMaskLen uint8
	Expires     instant.Time // when the bootstrap router expires (Bootstrap Timer)
	Ranges      []LearntRange
}

// waitingBootstrap is a Bootstrap with the neighbor from which it came.
type waitingBootstrap struct {
	from    Hop
	message *Bootstrap
}

// heardBootstrap handles a Bootstrap of a neighbor (RFC 5059, section 3.1.3).
func (r *Router) heardBootstrap(now instant.Time, from Hop, toAll bool, m *Bootstrap, fx *Effects) DropCause {
	z := r.bootstrap.zone(m.zone())
	if m.NoForward || !toAll {
		// A Bootstrap with the N bit is for a router that has just started. This router
		// has a bootstrap router already, or has been running for longer.
		if z != nil || now.Sub(r.bootstrap.kept.Started) > bsPeriod {
			return DropRPF
		}
		return r.acceptBootstrap(now, m, fx)
	}
	if z != nil && z.BSR.IsValid() && !m.preferredTo(z) {
		return DropPreferred
	}
	id := r.findTarget(m.BSR)
	if id == 0 {
		r.awaitRoute(from, m, fx)
		return accepted
	}
	if !r.leadsTo(r.targets.At(id), from) {
		return DropRPF
	}
	return r.acceptBootstrap(now, m, fx)
}

// awaitRoute keeps a Bootstrap until SetRPF gives the next hops towards its bootstrap
// router.
func (r *Router) awaitRoute(from Hop, m *Bootstrap, fx *Effects) {
	if w := r.bootstrap.waiting; w != nil {
		r.bootstrap.waiting = nil
		r.unpin(w.message.BSR, fx)
	}
	r.bootstrap.waiting = &waitingBootstrap{from, m}
	r.pin(m.BSR, fx)
}

// judgeWaiting checks the waiting Bootstrap when the next hops of an address have become
// known.
func (r *Router) judgeWaiting(now instant.Time, root netip.Addr, fx *Effects) {
	w := r.bootstrap.waiting
	if w == nil || w.message.BSR != root {
		return
	}
	r.bootstrap.waiting = nil
	cause := DropRPF
	if r.leadsTo(r.targets.At(r.findTarget(root)), w.from) {
		cause = r.acceptBootstrap(now, w.message, fx)
	}
	if p := r.ports[w.from.Interface]; p != nil && cause != accepted {
		p.kept.Counters.Drops.Count(cause)
	}
	r.unpin(root, fx)
}

// leadsTo reports whether a router is a next hop towards a root, or the root itself.
func (r *Router) leadsTo(t *target, router Hop) bool {
	return slices.ContainsFunc(t.hops, func(nh NextHop) bool {
		if !nh.Gateway.IsValid() {
			nh.Gateway = t.addr
		}
		return r.hop(nh) == router
	})
}

// preferredTo reports whether a Bootstrap is from the bootstrap router of a zone or from
// a better one (RFC 5059, section 3.1.4).
func (m *Bootstrap) preferredTo(z *Zone) bool {
	return m.Priority > z.Priority || m.Priority == z.Priority && !m.BSR.Less(z.BSR) || m.BSR == z.BSR
}

// zone returns the range of the zone of a Bootstrap: its first range if this has the Z
// bit.
func (m *Bootstrap) zone() netip.Prefix {
	if len(m.Ranges) > 0 && m.Ranges[0].Group.Zone {
		return m.Ranges[0].Group.Masked()
	}
	return netip.Prefix{}
}

// zone returns the state of a zone, nil if there is none.
func (b *bootstrap) zone(of netip.Prefix) *Zone {
	i := slices.IndexFunc(b.kept.Zones, func(z Zone) bool { return z.Range == of })
	if i < 0 {
		return nil
	}
	return &b.kept.Zones[i]
}

// acceptBootstrap stores the content of a Bootstrap and forwards it to all links, also to
// the one on which it came (RFC 5059, section 3.4).
func (r *Router) acceptBootstrap(now instant.Time, m *Bootstrap, fx *Effects) DropCause {
	z := r.bootstrap.zone(m.zone())
	if z == nil {
		if len(r.bootstrap.kept.Zones) >= maxZones {
			return DropLimit
		}
		r.bootstrap.kept.Zones = append(r.bootstrap.kept.Zones, Zone{Range: m.zone()})
		slices.SortFunc(r.bootstrap.kept.Zones, func(a, b Zone) int { return comparePrefixes(a.Range, b.Range) })
		z = r.bootstrap.zone(m.zone())
	}
	if z.BSR != m.BSR {
		old := z.BSR
		z.BSR = m.BSR
		r.pin(m.BSR, fx)
		r.unpin(old, fx)
	}
	z.Priority, z.HashMaskLen, z.Expires = m.Priority, m.HashMaskLen, now.Add(bsTimeout)
	for i := range m.Ranges {
		z.learn(now, m.FragmentTag, &m.Ranges[i])
	}
	if !m.NoForward {
		for _, p := range r.order {
			if p.active() && len(p.kept.Neighbors) > 0 {
				p.send(m, fx)
			}
		}
	}
	r.bootstrap.schedule()
	r.remap(now, fx)
	return accepted
}

// schedule sets when the first bootstrap router or RP expires.
func (b *bootstrap) schedule() {
	b.due = instant.Never
	for i := range b.kept.Zones {
		z := &b.kept.Zones[i]
		b.due = instant.Earliest(b.due, z.Expires)
		for j := range z.Ranges {
			for _, rps := range [...][]LearntRP{z.Ranges[j].RPs, z.Ranges[j].Partial} {
				for k := range rps {
					b.due = instant.Earliest(b.due, rps[k].Expires)
				}
			}
		}
	}
}

// advanceBootstrap removes expired bootstrap routers and RPs. RPs outlive their bootstrap
// router.
func (r *Router) advanceBootstrap(now instant.Time, fx *Effects) {
	if !r.bootstrap.due.IsDue(now) {
		return
	}
	for i := range r.bootstrap.kept.Zones {
		z := &r.bootstrap.kept.Zones[i]
		if z.Expires.IsDue(now) {
			old := z.BSR
			z.BSR, z.Expires = netip.Addr{}, instant.Never
			r.unpin(old, fx)
		}
		z.forget(now)
	}
	r.bootstrap.kept.Zones = slices.DeleteFunc(r.bootstrap.kept.Zones, func(z Zone) bool { return !z.BSR.IsValid() && len(z.Ranges) == 0 })
	r.bootstrap.schedule()
	r.remap(now, fx)
}

// pin requests the next hops of an address as long as it is a bootstrap router.
func (r *Router) pin(addr netip.Addr, fx *Effects) {
	r.targets.At(r.ensureTarget(addr, fx)).pins++
}

// unpin ends the request of pin.
func (r *Router) unpin(addr netip.Addr, fx *Effects) {
	if id := r.findTarget(addr); addr.IsValid() && id != 0 {
		r.targets.At(id).pins--
		r.forgetTarget(id, fx)
	}
}

func comparePrefixes(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}
