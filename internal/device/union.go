package device

import (
	"net/netip"
	"slices"

	"tandem/internal/mld"
)

// union merges two reception states so that whatever either wants is wanted
// (RFC 9777, section 4.2, as RFC 4605 applies it over interfaces).
func union(a, b mld.Filter) mld.Filter {
	switch {
	case a.Mode == mld.Include && b.Mode == mld.Include:
		switch {
		case len(a.Sources) == 0:
			return b
		case len(b.Sources) == 0:
			return a
		}
		all := slices.Concat(a.Sources, b.Sources)
		slices.SortFunc(all, netip.Addr.Compare)
		return mld.Filter{Mode: mld.Include, Sources: slices.Compact(all)}
	case a.Mode == mld.Include:
		return mld.Filter{Mode: mld.Exclude, Sources: only(b.Sources, a.Sources, false)}
	case b.Mode == mld.Include:
		return mld.Filter{Mode: mld.Exclude, Sources: only(a.Sources, b.Sources, false)}
	}
	return mld.Filter{Mode: mld.Exclude, Sources: only(a.Sources, b.Sources, true)}
}

// only returns those of the sources that are, or are not, among the others.
// Both lists are sorted.
func only(sources, others []netip.Addr, among bool) []netip.Addr {
	var kept []netip.Addr
	for _, s := range sources {
		if _, found := slices.BinarySearchFunc(others, s, netip.Addr.Compare); found == among {
			kept = append(kept, s)
		}
	}
	return kept
}
