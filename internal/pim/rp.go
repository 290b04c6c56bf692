package pim

import (
	"net/netip"

	"tandem/internal/instant"
)

// rpFor returns the RP of a group, the zero Addr if none is known. A group whose address
// contains an RP has no other RP (RFC 3956, section 4). An RP from the bootstrap router
// counts before a configured one, unless the configured one is Preferred.
func (r *Router) rpFor(group netip.Addr) netip.Addr {
	if r.cfg.EmbeddedRP {
		if rp, ok := EmbeddedRP(group); ok {
			return rp
		}
	}
	if rp := r.staticRP(group, true); rp.IsValid() {
		return rp
	}
	if rp := r.bootstrap.learntRP(group); rp.IsValid() {
		return rp
	}
	return r.staticRP(group, false)
}

// remap gives every shared tree the present RP of its group.
func (r *Router) remap(now instant.Time, fx *Effects) {
	for gid := range r.groupIDs() {
		g := r.groups.At(gid)
		if g.star == 0 {
			continue
		}
		t := r.trees.At(g.star)
		rp := r.rpFor(g.addr)
		if t.Root == rp {
			continue
		}
		r.tally(t, -1)
		r.prune(t)
		t.Joined, t.Announced, t.Upstream, t.JoinAt = false, false, Hop{}, instant.Never
		r.root(g.star, rp, fx)
		r.settleGroup(now, gid, fx)
	}
}

// staticRP returns the configured RP with the longest range that contains the group,
// either among the preferred RPs or among the others. If ranges are equal, the highest
// address counts.
func (r *Router) staticRP(group netip.Addr, preferred bool) (best netip.Addr) {
	bits := -1
	for _, s := range r.cfg.StaticRPs {
		if s.Preferred != preferred {
			continue
		}
		n := s.match(group)
		if n > bits || n == bits && n >= 0 && best.Less(s.RP) {
			best, bits = s.RP, n
		}
	}
	return best
}

// match returns the length of the RP's longest range that contains the group, -1 for
// none.
func (s StaticRP) match(group netip.Addr) int {
	if len(s.Groups) == 0 {
		return 8
	}
	bits := -1
	for _, p := range s.Groups {
		if p.Contains(group) {
			bits = max(bits, p.Bits())
		}
	}
	return bits
}

// EmbeddedRP returns the RP that a group's address contains (RFC 3956, sections 2 and 4):
// ff7x:0RPL:prefix:group, where R is the interface ID of the RP and PL the length of its
// prefix.
func EmbeddedRP(group netip.Addr) (netip.Addr, bool) {
	b := group.As16()
	id, bits := b[2]&0x0f, int(b[3])
	if b[0] != 0xff || b[1]&0xf0 != 0x70 || id == 0 || bits == 0 || bits > 64 {
		return netip.Addr{}, false
	}
	var rp [16]byte
	copy(rp[:8], b[4:12])
	prefix := netip.PrefixFrom(netip.AddrFrom16(rp), bits).Masked()
	rp = prefix.Addr().As16()
	rp[15] = id
	return netip.AddrFrom16(rp), true
}
