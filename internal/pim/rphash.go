package pim

import "net/netip"

// learntRP returns the RP of a group that was learnt from the bootstrap router. Among the
// RPs of the longest range that contains the group, the lowest priority wins, then the
// highest hash, then the highest address (section 4.7.1).
func (b *bootstrap) learntRP(group netip.Addr) (best netip.Addr) {
	bits := -1
	var choice LearntRP
	var hash uint32
	for i := range b.kept.Zones {
		z := &b.kept.Zones[i]
		for j := range z.Ranges {
			l := &z.Ranges[j]
			if !l.Group.Contains(group) || l.Group.Bits() < bits {
				continue
			}
			if l.Group.Bits() > bits && len(l.RPs) > 0 {
				bits, best = l.Group.Bits(), netip.Addr{}
			}
			for _, rp := range l.RPs {
				h := rpHash(group, z.HashMaskLen, rp.RP)
				switch {
				case !best.IsValid() || rp.Priority < choice.Priority:
				case rp.Priority > choice.Priority || h < hash:
					continue
				case h == hash && rp.RP.Less(best):
					continue
				}
				best, choice, hash = rp.RP, rp, h
			}
		}
	}
	return best
}

// rpHash is the hash function of section 4.7.2, with the digest for IPv6.
func rpHash(group netip.Addr, maskLen uint8, rp netip.Addr) uint32 {
	masked := netip.PrefixFrom(group, int(maskLen)).Masked().Addr()
	const a, c = 1103515245, 12345
	return (a*((a*digest(masked)+c)^digest(rp)) + c) & 0x7fffffff
}

// digest folds an address into 32 bits.
func digest(addr netip.Addr) (d uint32) {
	b := addr.As16()
	for i := 0; i < len(b); i += 4 {
		d ^= be.Uint32(b[i:])
	}
	return d
}
