package mld

import "net/netip"

// Effects is what the caller has to do after an event. Methods append to it. One value
// may collect the effects of many events, of Routers and Proxies.
type Effects struct {
	// Queries have to be sent on the interface, each to its Destination.
	Queries []Query
	// Changed names the records that got a new version of this device, in the order in
	// which they have to be sent to the peer. Records merged from the peer are not in it.
	Changed []Key
	// Joined names the records whose host wants more than before, or was heard by the
	// peer last, or may have left as far as the peer knows (see SetPartitioned).
	Joined []Joined
	// Groups names the groups whose forwarding may have changed. A group may occur twice.
	Groups []netip.Addr
	// Reports have to be sent on the upstream interface.
	Reports []OutReport
	// OtherVersion names routers whose queries are of another MLD version than the
	// configured one, at most one per query interval.
	OtherVersion []OtherVersion
}

// Reset empties the effects and keeps their memory for further use.
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

// OtherVersion is a router whose query is of another MLD version.
type OtherVersion struct {
	From    netip.Addr
	Version int // of its query
}

// OutReport is a message of the Proxy to send: an ICMPv6 message whose checksum is 0.
type OutReport struct {
	Dst     netip.Addr
	Payload []byte
}

// Meta is the part of a received packet outside the MLD message that matters here.
type Meta struct {
	Src, Dst netip.Addr
	HopLimit int
	// RouterAlert says that the packet had the hop-by-hop option of RFC 2711, value 0.
	RouterAlert bool
	// Unicast says that the frame was sent to this router alone, whatever the packet says.
	Unicast bool
}
