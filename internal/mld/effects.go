package mld

import "net/netip"

// Effects is what the caller has to do after an event. Methods append to it; one
// value may collect the effects of many events and of both sides.
type Effects struct {
	// Queries are to be sent on the interface, each to its Destination.
	Queries []Query
	// Changed names the records that took a new version of this device, in the
	// order in which the peer should learn them. Records merged from the peer are
	// not in it.
	Changed []Key
	// Joined names the records by whose change a host came to want more than before,
	// came over from the peer or, as far as the peer can know, may have left (SetApart).
	Joined []Joined
	// Groups names the groups whose forwarding may have changed. It may repeat.
	Groups []netip.Addr
	// Reports are to be sent on the upstream interface.
	Reports []OutReport
	// OtherVersion names routers that query in a version other than the configured
	// one, at most one a query interval.
	OtherVersion []OtherVersion
}

// Reset empties the effects and keeps their memory.
func (fx *Effects) Reset() {
	fx.Queries, fx.Changed, fx.Groups = fx.Queries[:0], fx.Changed[:0], fx.Groups[:0]
	fx.Joined, fx.Reports = fx.Joined[:0], fx.Reports[:0]
	fx.OtherVersion = fx.OtherVersion[:0]
}

// Joined is a record with the version that made a host a listener.
type Joined struct {
	Handle  Handle
	Version Version
}

// OtherVersion is a router that should have been set to the same version.
type OtherVersion struct {
	From    netip.Addr
	Version int // of its query
}

// OutReport is a message of the host side: an ICMPv6 message with zero checksum.
type OutReport struct {
	Dst     netip.Addr
	Payload []byte
}

// Meta is what the IPv6 header of a received message said.
type Meta struct {
	Src, Dst netip.Addr
	HopLimit int
	// RouterAlert: the hop-by-hop option of RFC 2711 with value 0 was there.
	RouterAlert bool
}
