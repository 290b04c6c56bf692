package mld

import "net/netip"

// Well-known destinations (RFC 9777, sections 5.1.15 and 5.2.14; RFC 2710, section 4).
var (
	allNodes   = netip.MustParseAddr("ff02::1")
	AllRouters = netip.MustParseAddr("ff02::2")
	// AllMLDv2Routers is the destination of MLDv2 reports.
	AllMLDv2Routers = netip.MustParseAddr("ff02::16")
)

// Routable reports whether a group may be forwarded between links: whether it is an IPv6
// multicast address whose scope is wider than the link. Groups of the scopes 0 (reserved),
// 1 (interface-local) and 2 (link-local) of RFC 4291, section 2.7, are neither tracked nor
// forwarded.
func Routable(group netip.Addr) bool {
	if !group.Is6() || group.Is4In6() {
		return false
	}
	b := group.As16()
	return b[0] == 0xff && b[1]&0x0f > 2
}

// UsableSource reports whether an address can be the source of a stream that is forwarded between
// links. Packets from a link-local address must not be (RFC 4291, section 2.5.6), nor those from ::, and
// an IPv4-mapped address is not one of a node (RFC 4291, section 2.5.5.2).
func UsableSource(a netip.Addr) bool {
	return a.Is6() && !a.Is4In6() && !a.IsMulticast() && !a.IsUnspecified() && !a.IsLinkLocalUnicast() && !a.IsLoopback()
}
