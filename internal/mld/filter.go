package mld

import (
	"net/netip"
	"slices"
)

// Empty reports whether the filter wants nothing.
func (f Filter) Empty() bool { return f.Mode == Include && len(f.Sources) == 0 }

// wants reports whether the filter permits a source.
func (f Filter) wants(source netip.Addr) bool {
	_, listed := slices.BinarySearchFunc(f.Sources, source, netip.Addr.Compare)
	return listed == (f.Mode == Include)
}

// Equal reports whether both filters want the same.
func (f Filter) Equal(g Filter) bool { return f.Mode == g.Mode && slices.Equal(f.Sources, g.Sources) }

// Union returns the filter that wants all that f or g wants. It may share their sources.
func (f Filter) Union(g Filter) Filter {
	switch {
	case g.Empty():
		return f
	case f.Empty():
		return g
	case f.Mode == Include && g.Mode == Include:
		return Filter{Include, appendUnion(nil, f.Sources, g.Sources)}
	case f.Mode == Exclude && g.Mode == Exclude:
		return Filter{Exclude, appendCommon(nil, f.Sources, g.Sources)}
	case f.Mode == Exclude:
		return Filter{Exclude, appendMinus(nil, f.Sources, g.Sources)}
	}
	return Filter{Exclude, appendMinus(nil, g.Sources, f.Sources)}
}

// The set operations below take sorted lists without duplicates. They append the sorted
// result to dst, which must not overlap the lists.

func appendUnion(dst, a, b []netip.Addr) []netip.Addr {
	for len(a) > 0 && len(b) > 0 {
		switch c := a[0].Compare(b[0]); {
		case c < 0:
			dst, a = append(dst, a[0]), a[1:]
		case c > 0:
			dst, b = append(dst, b[0]), b[1:]
		default:
			dst, a, b = append(dst, a[0]), a[1:], b[1:]
		}
	}
	return append(append(dst, a...), b...)
}

func appendMinus(dst, a, b []netip.Addr) []netip.Addr {
	for _, x := range a {
		for len(b) > 0 && b[0].Less(x) {
			b = b[1:]
		}
		if len(b) == 0 || b[0] != x {
			dst = append(dst, x)
		}
	}
	return dst
}

func appendCommon(dst, a, b []netip.Addr) []netip.Addr {
	for _, x := range a {
		for len(b) > 0 && b[0].Less(x) {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == x {
			dst = append(dst, x)
		}
	}
	return dst
}

// appendSources appends the usable sources of a message, sorted and without duplicates.
func appendSources(dst, sources []netip.Addr) []netip.Addr {
	start := len(dst)
	for _, s := range sources {
		if UsableSource(s) {
			dst = append(dst, s)
		}
	}
	if added := dst[start:]; len(added) > 1 {
		slices.SortFunc(added, netip.Addr.Compare)
		dst = dst[:start+len(slices.Compact(added))]
	}
	return dst
}
