package mld

import "net/netip"

// Effects is what the caller has to do after an event. Methods append to it. One value
// may collect the effects of many events, of Routers and Proxies.
type Effects struct {
	// Queries have to be sent on the interface, each to its Destination.
	Queries []Query
	// Changed names the records to which this device has given a new version, in the
	// order in which they have to be sent to the peer. Records merged from the peer are
	// not in it.
	Changed []Key
	// Joined names the records of hosts that have just become listeners of something.
	// These are the records whose host wants more than before, those that the peer heard
	// last until now, and those whose host the peer may take for gone (see
	// SetPartitioned).
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

// Joined is a record, with the version of the write that made its host a listener.
type Joined struct {
	Handle  Handle
	Version Version
}

// OtherVersion is a router whose query is of another MLD version than the configured one.
type OtherVersion struct {
	From    netip.Addr
	Version int // MLD version of the router's query
}

// OutReport is a message of the Proxy to send: an ICMPv6 message whose checksum is 0.
type OutReport struct {
	Dst     netip.Addr
	Payload []byte
}

// Meta is what Receive needs to know of a received packet besides the MLD message.
type Meta struct {
	Src, Dst netip.Addr
	HopLimit int
	// RouterAlert says that the packet had a Router Alert option (RFC 2711) with the
	// value 0 (MLD).
	RouterAlert bool
	// Unicast says that the frame's link-layer destination was this router alone,
	// whatever the IPv6 destination is.
	Unicast bool
}
