package mld

import "net/netip"

// Wanted returns the filter of a group.
func (p *Proxy) Wanted(group netip.Addr) Filter {
	if id := p.find(group); id != 0 {
		return p.want(p.groups.At(id))
	}
	return Filter{}
}
