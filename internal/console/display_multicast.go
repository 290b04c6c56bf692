package console

import (
	"tandem/internal/state"
)

// routingTableDisplay is `display multicast ipv6 routing-table`.
func routingTableDisplay(t state.RoutingTable) Display {
	s := sheetOf(&t)
	s.line("IPv6 multicast routing table")
	s.line(" Total %s", plural(t.Total, "entry", "entries"))
	s.record(&t.Total)
	list(s, &t.Entries, func(i int, r *state.Route) {
		showRouteHead(s, i, r)
		s.fields(7, 0,
			field{"Uptime", &r.Uptime},
			field{"Upstream Interface", &r.Upstream},
		)
		s.line("       List of %s", plural(len(r.Downstream), "downstream interface", "downstream interfaces"))
		s.record(&r.Downstream)
		for n, out := range r.Downstream {
			s.line("         %d: %s", n+1, out)
		}
		s.fields(7, 0, field{"Origin", &r.Origin})
	})
	return s.display()
}

func showRouteHead(s *sheet, i int, r *state.Route) {
	s.line(" %05d. (%s, %s)", i+1, r.Source, r.Group)
	s.record(&r.Source, &r.Group)
}

// forwardingTableDisplay is `display multicast ipv6 forwarding-table`: the entries of the
// kernel with its counters and, for each outgoing interface, whether the gate lets this
// device's packets pass. The last lines show how often the table had to be repaired.
func forwardingTableDisplay(t state.ForwardingTable) Display {
	s := sheetOf(&t)
	s.line("IPv6 Multicast Forwarding Table")
	s.line(" Total %s", plural(t.Total, "entry", "entries"))
	s.record(&t.Total)
	list(s, &t.Entries, func(i int, e *state.Entry) { showEntry(s, i, e) })
	s.fields(1, 0,
		field{"Entries Set Again", &t.Restored},
		field{"Foreign Entries Removed", &t.Removed},
		field{"Interfaces Added Again", &t.Interfaces},
		field{"Silent Entries Dropped", &t.Silent},
		field{"Comparisons", &t.Audits},
	)
	return s.display()
}

func showEntry(s *sheet, i int, e *state.Entry) {
	showRouteHead(s, i, &e.Route)
	s.fields(7, 0,
		field{"Uptime", &e.Uptime},
		field{"Incoming interface", &e.Incoming},
	)
	s.line("       List of %s:", plural(len(e.Outgoing), "outgoing interface", "outgoing interfaces"))
	list(s, &e.Outgoing, func(n int, out *state.Outgoing) {
		s.record(&out.Interface, &out.Sends)
		verb := "does not send"
		if out.Sends {
			verb = "sends"
		}
		s.line("         %d: %s (%s: %s)", n+1, out.Interface, verb, out.Reason)
	})
	s.line("       Matched %d packets(%d bytes), Wrong If %d packets", e.Packets, e.Bytes, e.WrongIf)
	s.record(&e.Packets, &e.Bytes, &e.WrongIf)
	s.fields(7, 0,
		field{"Origin", &e.Origin},
		field{"Bucket", &e.Bucket},
		field{"Orphan", &e.Orphan},
	)
	showArrival(s, 7, 0, &e.Arrival)
}

// showArrival shows at which of the two devices a stream arrives.
func showArrival(s *sheet, indent, colon int, a *state.Arrival) {
	s.fields(indent, colon,
		field{"Arrives Here", &a.Here},
		field{"Arrives at Peer", &a.Peer},
		field{"Sent in Stead by", &a.InStead},
		field{"In Stead for", &a.For},
	)
}

// arrivingDisplay is `display multicast ipv6 arriving`. It shows which of the streams
// with an outgoing interface arrive at this device and at the peer.
func arrivingDisplay(t state.ArrivalTable) Display {
	s := sheetOf(&t)
	s.fields(0, 26,
		field{"Streams", &t.Total},
		field{"Arriving Here", &t.Here},
		field{"Lacking Here", &t.Lacking},
		field{"Lacking at the Peer", &t.StandsIn},
	)
	s.line("")
	rowsIfAny(s, 0, &t.Entries, func(r *state.Route) []field {
		return []field{{"Source", &r.Source}, {"Group", &r.Group}, {"Here", &r.Here}, {"Peer", &r.Peer}, {"Sent in Stead by", &r.InStead}, {"For", &r.For},
			{"Bucket", &r.Bucket}}
	})
	return s.display()
}

// gateDisplay is `display multicast ipv6 gate`: the interfaces, by Linux name, that do
// not send everything, and the packets that the gate has held back on them.
func gateDisplay(g state.Gate) Display {
	s := sheetOf(&g)
	s.fields(0, 26,
		field{"Gate", &g.Installed},
		field{"Stale", &g.Stale},
		field{"Closed Interfaces", &g.Closed},
		field{"Bucket 0 Only", &g.Bucket0},
		field{"Bucket 1 Only", &g.Bucket1},
		field{"Orphans", &g.Orphans},
		field{"Dropped, Closed", &g.DroppedClosed},
		field{"Dropped, Bucket 0 Only", &g.DroppedBucket0},
		field{"Dropped, Bucket 1 Only", &g.DroppedBucket1},
		field{"Dropped, Control Traffic of Hosts", &g.DroppedControl},
		field{"Repairs", &g.Repairs},
	)
	return s.display()
}

// ruiDisplay is `display multicast ipv6 rui source S group G eth-trunk N`: which of the two
// devices sends a stream, and why.
func ruiDisplay(r state.RUI) Display {
	s := sheetOf(&r)
	s.fields(0, 26,
		field{"Source", &r.Source},
		field{"Group", &r.Group},
		field{"Eth-Trunk", &r.EthTrunk},
		field{"Can Forward", &r.Sends},
		field{"Reason", &r.Reason},
		field{"Bucket", &r.Bucket},
		field{"Duty", &r.Duty},
		field{"Gate Passes Buckets", &r.Covers},
		field{"Duty Reason", &r.DutyReason},
		field{"Forwarding Entry", &r.Entry},
		field{"In Outgoing List", &r.Listed},
		field{"Orphan", &r.Orphan},
	)
	showArrival(s, 0, 26, &r.Arrival)
	return s.display()
}
