package console

import (
	"net/netip"
	"slices"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/state"
)

// RoutingTable is `display multicast ipv6 routing-table`.
func RoutingTable(routes []state.Route) Display {
	s := newSheet()
	s.line("IPv6 multicast routing table")
	s.line(" Total %s", plural(len(routes), "entry", "entries"))
	s.fact("total", len(routes))
	each(s, "entries", routes, func(i int, r state.Route) {
		showRouteHead(s, i, r)
		s.fields(7, 0,
			field{"Uptime", r.Uptime},
			field{"Upstream Interface", r.Upstream},
		)
		s.line("       List of %s", plural(len(r.Outgoing), "downstream interface", "downstream interfaces"))
		s.fact("downstream-interfaces", r.Outgoing)
		for n, out := range r.Outgoing {
			s.line("         %d: %s", n+1, out)
		}
		s.fields(7, 0, field{"Origin", r.Origin})
	})
	return s.display()
}

func showRouteHead(s *sheet, i int, r state.Route) {
	s.line(" %05d. (%s, %s)", i+1, r.Source, r.Group)
	s.fact("source", r.Source)
	s.fact("group", r.Group)
}

// ForwardingTable is `display multicast ipv6 forwarding-table`: the entries of
// the kernel with its counters and, for each outgoing interface, whether the
// gate lets this device's packets pass. At the end stands how often the table had
// to be put right.
func ForwardingTable(routes []state.Route, interfaces []device.InterfaceSnapshot, kept state.Forwarding) Display {
	s := newSheet()
	s.line("IPv6 Multicast Forwarding Table")
	s.line(" Total %s", plural(len(routes), "entry", "entries"))
	s.fact("total", len(routes))
	each(s, "entries", routes, func(i int, r state.Route) {
		showRouteHead(s, i, r)
		s.fields(7, 0,
			field{"Uptime", r.Uptime},
			field{"Incoming interface", r.Upstream},
		)
		s.line("       List of %s:", plural(len(r.Outgoing), "outgoing interface", "outgoing interfaces"))
		each(s, "outgoing-interfaces", r.Outgoing, func(n int, out string) {
			v := verdict(r, out, interfaces)
			s.fact("interface", out)
			s.fact("sends", v.sends)
			s.line("         %d: %s (%s)", n+1, out, v.words())
		})
		s.line("       Matched %d packets(%d bytes), Wrong If %d packets", r.Packets, r.Bytes, r.WrongIf)
		s.fact("packets", r.Packets)
		s.fact("bytes", r.Bytes)
		s.fact("wrong-if", r.WrongIf)
		s.fields(7, 0,
			field{"Origin", r.Origin},
			field{"Bucket", bucketNumber(r.Source, r.Group)},
			field{"Orphan", r.Orphan},
		)
	})
	s.fields(1, 0,
		field{"Entries Set Again", kept.Restored},
		field{"Foreign Entries Removed", kept.Removed},
		field{"Interfaces Added Again", kept.Interfaces},
		field{"Silent Entries Dropped", kept.Silent},
		field{"Comparisons", kept.Audits},
	)
	return s.display()
}

// decision is what the gate does with one (S,G) on one interface.
type decision struct {
	sends  bool
	known  bool // the interface is one of ours
	why    string
	bucket int
	duty   device.Duty
}

func (d decision) words() string {
	if d.sends {
		return "sends: " + d.why
	}
	return "does not send: " + d.why
}

func bucketNumber(source, group netip.Addr) int { return etrunk.BucketOf(source, group) }

// verdict tells whether the gate passes an entry out of an interface, and why.
func verdict(r state.Route, out string, interfaces []device.InterfaceSnapshot) decision {
	d := decision{bucket: bucketNumber(r.Source, r.Group)}
	at := slices.IndexFunc(interfaces, func(i device.InterfaceSnapshot) bool { return i.Name == out })
	if at < 0 {
		d.why = "unknown interface"
		return d
	}
	d.known, d.duty = true, interfaces[at].Duty
	mine := d.duty.Covers&(etrunk.Bucket0<<d.bucket) != 0
	switch {
	case d.duty.Covers == etrunk.AllBuckets:
		d.sends, d.why = true, "all buckets are ours"
	case mine:
		d.sends, d.why = true, "its bucket is ours"
	case d.duty.Covers == etrunk.NoBuckets:
		d.why = "the peer sends everything"
	case r.Orphan:
		d.sends, d.why = true, "orphan: the peer does not know the listener yet"
	default:
		d.why = "its bucket is the peer's"
	}
	return d
}

// Gate is `display multicast ipv6 gate`: the interfaces, by their Linux names,
// that do not send everything, and what was held back on them.
func Gate(g state.Gate) Display {
	s := newSheet()
	s.fields(0, 26,
		field{"Gate", installedWord(g.Installed)},
		field{"Closed Interfaces", g.Closed},
		field{"Bucket 0 Only", g.Bucket0},
		field{"Bucket 1 Only", g.Bucket1},
		field{"Orphans", g.Orphans},
		field{"Dropped, Closed", g.DroppedClosed},
		field{"Dropped, Bucket 0 Only", g.DroppedBucket0},
		field{"Dropped, Bucket 1 Only", g.DroppedBucket1},
		field{"Repairs", g.Repairs},
	)
	return s.display()
}

func installedWord(on bool) string {
	if on {
		return "installed"
	}
	return "not installed"
}

// RUI is `display multicast ipv6 rui source S group G eth-trunk N`: which of
// the two devices sends a stream, and why. Routes are looked up for the entry;
// without one the answer is what would hold if a listener came.
func RUI(source, group netip.Addr, ethTrunk uint32, routes []state.Route,
	interfaces []device.InterfaceSnapshot) Display {
	s := newSheet()
	name := ethTrunkName(ethTrunk)
	r := state.Route{RouteSnapshot: device.RouteSnapshot{Source: source, Group: group}}
	at := slices.IndexFunc(routes, func(x state.Route) bool { return x.Source == source && x.Group == group })
	entry := at >= 0
	if entry {
		r = routes[at]
	}
	d := verdict(r, name, interfaces)
	s.fields(0, 26,
		field{"Source", source},
		field{"Group", group},
		field{"Eth-Trunk", name},
		field{"Can Forward", d.sends},
		field{"Reason", d.why},
		field{"Bucket", d.bucket},
	)
	var duty, covers, why any
	if d.known {
		duty, covers, why = d.duty.Kind, bucketWord(d.duty.Covers), d.duty.Reason
	}
	s.fields(0, 26,
		field{"Duty", duty},
		field{"Gate Passes Buckets", covers},
		field{"Duty Reason", why},
		field{"Forwarding Entry", entry},
		field{"In Outgoing List", entry && slices.Contains(r.Outgoing, name)},
		field{"Orphan", r.Orphan},
	)
	return s.display()
}
