package state

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
)

// RoutingTable holds the routes that the device wants.
type RoutingTable struct {
	Total   int     `name:"total"`
	Entries []Route `name:"entries"`
}

// Route is one (S,G) entry with the kernel's counters.
type Route struct {
	Source     netip.Addr         `name:"source"`
	Group      netip.Addr         `name:"group"`
	Uptime     time.Duration      `name:"uptime"`
	Upstream   string             `name:"upstream-interface"`    // incoming interface, configured name
	Downstream []string           `name:"downstream-interfaces"` // outgoing interfaces, configured names
	Origin     device.RouteOrigin `name:"origin"`
	Bucket     int                `name:"bucket"` // bucket of the hash
	// Orphan says that this device sends the stream in the peer's stead although the
	// bucket is the peer's, until the peer has acknowledged the listener.
	Orphan bool `name:"orphan"`
	Arrival
	Packets uint64 `name:"packets"`
	Bytes   uint64 `name:"bytes"`
	WrongIf uint64 `name:"wrong-interface"` // packets that came in on another interface
}

// RouteOf returns the state of an entry that the device wants. The caller adds the
// kernel's counters.
func RouteOf(r device.RouteSnapshot) Route {
	return Route{Source: r.Source, Group: r.Group, Uptime: r.Uptime, Upstream: r.Upstream, Downstream: r.Outgoing,
		Origin: r.Origin, Bucket: etrunk.BucketOf(r.Source, r.Group), Orphan: r.Orphan, Arrival: arrivalOf(&r.Arrival)}
}

// ForwardingTable is the kernel's forwarding table.
type ForwardingTable struct {
	Forwarding
	Entries []Entry `name:"entries"`
}

// Forwarding counts the entries of the kernel's forwarding table, and the repairs of it.
type Forwarding struct {
	Total  int    `name:"total" metric:"entries" help:"Entries (S,G) of the kernel's multicast forwarding cache."`
	Silent uint64 `name:"silent-entries-dropped" metric:"silent"` // entries dropped because no packet came for KeepAlive
	Repairs
}

// Repairs counts the repairs of the kernel's forwarding table.
type Repairs struct {
	Restored   uint64 `name:"entries-set-again" metric:"restored"`        // entries that another program had removed or changed
	Removed    uint64 `name:"foreign-entries-removed" metric:"removed"`   // entries that another program had made
	Interfaces uint64 `name:"interfaces-added-again" metric:"interfaces"` // interfaces that another program had removed
	Audits     uint64 `name:"comparisons" metric:"audits"`                // comparisons of the whole table
}

// ForwardingTableOf returns, for each route and each interface of a device, whether the
// gate lets the stream pass.
func ForwardingTableOf(routes []Route, interfaces []Downstream, counted Forwarding) ForwardingTable {
	t := ForwardingTable{Forwarding: counted}
	t.Total = len(routes)
	for _, r := range routes {
		t.Entries = append(t.Entries, entryOf(r, interfaces))
	}
	return t
}

// Entry is one (S,G) entry of the kernel's forwarding table.
type Entry struct {
	Route
	Incoming string     `name:"incoming-interface"`
	Outgoing []Outgoing `name:"outgoing-interfaces"`
}

// Outgoing is an interface to which the kernel forwards an entry, and whether the gate
// lets the packets of this device pass there.
type Outgoing struct {
	Interface string `name:"interface"`
	Sends     bool   `name:"sends"`
	Reason    string `name:"reason"`
}

func entryOf(r Route, interfaces []Downstream) Entry {
	e := Entry{Route: r, Incoming: r.Upstream}
	for _, name := range r.Downstream {
		e.Outgoing = append(e.Outgoing, r.sentOn(name, interfaces))
	}
	return e
}

// sentOn returns whether the gate lets an entry pass out of an interface, and why.
func (r Route) sentOn(name string, interfaces []Downstream) Outgoing {
	out := Outgoing{Interface: name, Reason: "unknown interface"}
	if i := find(interfaces, name); i != nil {
		out.Sends, out.Reason = r.Sent(i.Covers)
	}
	return out
}

// Sent returns whether this device sends the stream of an entry on an interface where the
// gate lets the buckets in covers pass, and why. An exception of the gate has precedence
// over a closed bucket.
func (r Route) Sent(covers etrunk.Buckets) (sends bool, why string) {
	switch {
	case covers == etrunk.AllBuckets:
		return true, "all buckets are ours"
	case covers.Has(r.Bucket) && r.InStead == ByPeer:
		return false, "its bucket is ours, but it does not arrive: the peer sends it"
	case covers.Has(r.Bucket):
		return true, "its bucket is ours"
	case r.Orphan:
		return true, "orphan: the peer does not know the listener yet"
	case r.InStead == BySelf:
		return true, "it does not arrive at the peer: sent in its stead"
	case covers == etrunk.NoBuckets:
		return false, "the peer sends everything"
	}
	return false, "its bucket is the peer's"
}

func find(interfaces []Downstream, name string) *Downstream {
	at := slices.IndexFunc(interfaces, func(i Downstream) bool { return i.Name == name })
	if at < 0 {
		return nil
	}
	return &interfaces[at]
}

// RUI says which of the two devices sends a stream on an Eth-Trunk.
type RUI struct {
	Source   netip.Addr `name:"source"`
	Group    netip.Addr `name:"group"`
	EthTrunk string     `name:"eth-trunk"`
	Sends    bool       `name:"can-forward"` // this device sends the stream on the interface
	Reason   string     `name:"reason"`
	Bucket   int        `name:"bucket"`
	// The next three are empty if the interface is not known.
	Duty       string `name:"duty"`
	Covers     string `name:"gate-passes-buckets"`
	DutyReason string `name:"duty-reason"`
	Entry      bool   `name:"forwarding-entry"` // the stream is in the forwarding table
	Listed     bool   `name:"in-outgoing-list"` // the interface is in the entry's outgoing list
	Orphan     bool   `name:"orphan"`
	Arrival
}

// RUIOf says which device sends a stream on the interface of a configured name. routes
// are those of the device. If the stream is not among them, the result is what would hold
// if a listener joined.
func RUIOf(source, group netip.Addr, ethTrunk string, routes []Route, interfaces []Downstream) RUI {
	r := Route{Source: source, Group: group, Bucket: etrunk.BucketOf(source, group)}
	at := slices.IndexFunc(routes, func(x Route) bool { return x.Source == source && x.Group == group })
	if at >= 0 {
		r = routes[at]
	}
	out := r.sentOn(ethTrunk, interfaces)
	rui := RUI{Source: source, Group: group, EthTrunk: ethTrunk, Sends: out.Sends, Reason: out.Reason, Bucket: r.Bucket,
		Entry: at >= 0, Listed: slices.Contains(r.Downstream, ethTrunk), Orphan: r.Orphan, Arrival: r.Arrival}
	if i := find(interfaces, ethTrunk); i != nil {
		rui.Duty, rui.Covers, rui.DutyReason = i.Duty.String(), i.Covers.String(), i.DutyReason
	}
	return rui
}

// Gate is the state of the gate in the kernel. Interfaces are Linux names.
type Gate struct {
	Installed bool `name:"gate" words:"installed,not installed"` // multicast routing is enabled
	Stale     bool `name:"stale" metric:"stale" help:"1 while the kernel refuses to set the gate."`
	// Closed interfaces send nothing. Bucket0 and Bucket1 interfaces send only that
	// bucket. All other interfaces send everything.
	Closed  []string `name:"closed-interfaces" metric:"interfaces" at:"passes=none" help:"Interfaces on which the gate holds packets back, by what passes."`
	Bucket0 []string `name:"bucket-0-only" metric:"interfaces" at:"passes=0"`
	Bucket1 []string `name:"bucket-1-only" metric:"interfaces" at:"passes=1"`
	Orphans int      `name:"orphans" metric:"orphans" help:"Streams sent in the peer's stead, as it cannot know of the listener."`
	// Packets that the gate has held back since it was last made.
	DroppedClosed  uint64 `name:"dropped-closed" metric:"dropped_packets" at:"passes=none" help:"Packets that were not sent, by what passes on the interface."`
	DroppedBucket0 uint64 `name:"dropped-bucket-0-only" metric:"dropped_packets" at:"passes=0"`
	DroppedBucket1 uint64 `name:"dropped-bucket-1-only" metric:"dropped_packets" at:"passes=1"`
	// DroppedControl counts packets that hosts sent to the ports of BFD, the E-Trunk and
	// the replication.
	DroppedControl uint64 `name:"dropped-control-traffic-of-hosts" metric:"dropped_control" help:"Packets of hosts to the ports on which the devices speak to each other."`
	Repairs        uint64 `name:"repairs" help:"How often somebody else had changed the gate."`
}

// MLDSocket counts the messages of the MLD socket.
type MLDSocket struct {
	Received  uint64 `name:"received"`
	Sent      uint64 `name:"sent"`
	Truncated uint64 `name:"truncated"` // messages longer than any MLD message can be
	Malformed uint64 `name:"malformed"` // messages whose headers or checksum are wrong
	Overrun   uint64 `name:"overrun"`   // messages lost because the socket's buffer was full
}
