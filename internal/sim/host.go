package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/instant"
	"tandem/internal/mld"
)

// unsolicited is the longest gap between the two reports of a change
// (Unsolicited Report Interval, RFC 9777, section 9.11).
const unsolicited = time.Second

// host is a listener behind the switch.
type host struct {
	w      *World
	number int
	vlan   int
	leg    int // to which the switch hashes what it sends
	// hashedTo: and where that ends up, and since when.
	hashedTo *node
	hashedAt instant.Time
	addr     netip.Addr
	v1       bool // speaks MLDv1 only, and joins no SSM stream
	wants    []bool
	changes  []int // counts the changes of mind, so that a repetition can see it is stale
	// lost: the last report of a stream was lost. MLD bears one loss, by its
	// robustness of 2; more would be no fault of the devices.
	lost []bool
	// An MLDv1 host (RFC 2710, section 4) is quiet when another one has
	// answered, and says good-bye only when it was the last to report.
	pending, last []bool
	// heard: a device has heard that the stream is wanted.
	heard   []bool
	heardAt []instant.Time
	bothAt  []instant.Time // since when both know of it, as far as anybody has asked
	// gone is who heard the leave of a stream.
	gone []witness
}

// witness is a device in one of its lives.
type witness struct {
	node *node
	boot uint64
}

// v1link is what the MLDv1 hosts of a VLAN have in common.
type v1link struct {
	lost []bool // by stream, for they report in each other's stead
}

func newHost(w *World, i int) *host {
	n := len(w.streams)
	return &host{
		w: w, number: i, vlan: i / 4 % vlans, leg: i % 2, addr: netip.MustParseAddr(fmt.Sprintf("fe80::1:%x", i+1)),
		v1:    w.minds.IntN(3) == 0,
		wants: make([]bool, n), changes: make([]int, n), lost: make([]bool, n),
		pending: make([]bool, n), last: make([]bool, n), gone: make([]witness, n), heard: make([]bool, n), heardAt: make([]instant.Time, n), bothAt: make([]instant.Time, n),
	}
}

// faithful reports whether a host hardly ever changes its mind: its records live by
// refreshes alone, for as long as a fault lasts.
func (h *host) faithful() bool { return h.number%4 == 3 }

// change joins or leaves a stream and reports it twice.
func (h *host) change(i int, want bool) {
	if h.wants[i] == want || h.v1 && h.w.streams[i].ssm {
		return
	}
	h.w.logf("host %d: want %s = %v", h.number, h.w.streams[i].group, want)
	h.wants[i] = want
	h.changes[i]++
	h.gone[i], h.heard[i] = witness{}, false
	h.w.watch.changed(h, i)
	version := h.changes[i]
	if h.v1 && !want && !h.last[i] {
		return
	}
	h.report(i, true)
	h.pending[i] = h.v1 && want
	h.w.after(h.w.between(0, unsolicited), func() {
		if h.changes[i] == version && (!h.v1 || h.pending[i]) {
			h.report(i, true)
		}
	})
}

// leaveBeyond leaves streams other than the one just joined until the host wants
// no more than it may.
func (h *host) leaveBeyond(most, joined int) {
	if most == 0 {
		return
	}
	wanted := 0
	for _, want := range h.wants {
		if want {
			wanted++
		}
	}
	for i := 0; wanted > most; i++ {
		if h.wants[i] && i != joined {
			h.change(i, false)
			wanted--
		}
	}
}

// report tells of one stream: of a change, or in answer to a query.
func (h *host) report(i int, change bool) {
	lost := h.lostReport(i)
	if h.v1 {
		h.reportsForAll(i)
	}
	if *lost = !*lost && h.w.chance(h.w.opts.Loss); *lost {
		h.w.logf("host %d's report of %s is lost", h.number, h.w.streams[i].group)
		return
	}
	s := h.w.streams[i]
	p := &mld.Packet{Type: mld.TypeReportV2}
	dst := mld.AllMLDv2Routers
	switch {
	case h.v1 && h.wants[i]:
		p.Type, p.Group, dst = mld.TypeReportV1, s.group, s.group
	case h.v1:
		p.Type, p.Group, dst = mld.TypeDone, s.group, mld.AllRouters
	default:
		p.Records = []mld.GroupRecord{record(s, h.wants[i], change)}
	}
	h.send(i, dst, p)
}

// lostReport tells where the loss of the last report of a stream is noted.
func (h *host) lostReport(i int) *bool {
	if h.v1 {
		return &h.w.v1[h.vlan].lost[i]
	}
	return &h.lost[i]
}

// reportsForAll keeps the other MLDv1 hosts of the group quiet.
func (h *host) reportsForAll(i int) {
	h.pending[i], h.last[i] = false, h.wants[i]
	for _, other := range h.w.hosts {
		if other != h && other.v1 && other.vlan == h.vlan && h.wants[i] {
			other.pending[i], other.last[i] = false, false
		}
	}
}

func record(s stream, want, change bool) mld.GroupRecord {
	r := mld.GroupRecord{Group: s.group}
	switch {
	case s.ssm && change && want:
		r.Type, r.Sources = mld.AllowNewSources, []netip.Addr{s.source}
	case s.ssm && change:
		r.Type, r.Sources = mld.BlockOldSources, []netip.Addr{s.source}
	case s.ssm:
		r.Type, r.Sources = mld.ModeIsInclude, []netip.Addr{s.source}
	case change && want:
		r.Type = mld.ChangeToExclude
	case change:
		r.Type = mld.ChangeToInclude
	default:
		r.Type = mld.ModeIsExclude
	}
	return r
}

// hearQuery answers within the time that the query allows.
func (h *host) hearQuery(q mld.Query) {
	for i, s := range h.w.streams {
		if !h.wants[i] || !q.General() && q.Group != s.group {
			continue
		}
		if len(q.Sources) > 0 && s.ssm && !slices.Contains(q.Sources, s.source) {
			continue
		}
		h.pending[i] = true
		h.w.after(h.w.between(0, q.MaxResponse), func() {
			if h.wants[i] && (!h.v1 || h.pending[i]) {
				h.report(i, false)
			}
		})
	}
}

// send puts a message on the leg that the switch has chosen for this host, now
// and then twice.
func (h *host) send(i int, dst netip.Addr, p *mld.Packet) {
	n := h.w.legOf(h)
	if n == nil {
		return
	}
	want := h.wants[i]
	arrive := func() {
		if n.forwards() {
			h.w.logf("host %d tells %s: %s = %v", h.number, n.name, h.w.streams[i].group, want)
			if want && h.wants[i] && n.listening() && (!h.heard[i] || h.w.watch.forgotten(h, i)) {
				h.heard[i], h.heardAt[i], h.bothAt[i] = true, h.w.now, instant.Never
				h.w.watch.heard(h, i)
			}
			if !n.listening() { // as lost as any
				*h.lostReport(i) = true
			}
			if n.knowing() && n.listening() && !want && !h.wants[i] {
				h.gone[i] = witness{n, n.boots}
			}
			n.handle(&device.MLDReceived{
				Netdev: legName(h.vlan),
				Meta:   mld.Meta{Src: h.addr, Dst: dst, HopLimit: 1, RouterAlert: true},
				Packet: p,
			})
		}
	}
	h.w.after(wireDelay, arrive)
	if h.w.chance(h.w.opts.Loss / 4) {
		h.w.after(wireDelay+time.Microsecond, arrive)
	}
}

// legOf is the switch: it hashes a host to a leg, and moves all to the other
// one while it does not forward on a leg.
func (w *World) legOf(h *host) *node {
	chosen := w.nodes[h.leg]
	if !chosen.forwards() {
		chosen = chosen.peer()
	}
	if !chosen.forwards() {
		return nil
	}
	return chosen
}

// apply gives a host's filter after a record, as a network without memory of
// others would keep it.
func apply(f mld.Filter, r mld.GroupRecord) mld.Filter {
	add := func(list []netip.Addr) []netip.Addr {
		all := slices.Concat(list, r.Sources)
		slices.SortFunc(all, netip.Addr.Compare)
		return slices.Compact(all)
	}
	cut := func(list []netip.Addr) []netip.Addr {
		return slices.DeleteFunc(slices.Clone(list), func(a netip.Addr) bool { return slices.Contains(r.Sources, a) })
	}
	switch r.Type {
	case mld.ModeIsInclude, mld.ChangeToInclude:
		return mld.Filter{Mode: mld.Include, Sources: slices.Clone(r.Sources)}
	case mld.ModeIsExclude, mld.ChangeToExclude:
		return mld.Filter{Mode: mld.Exclude, Sources: slices.Clone(r.Sources)}
	}
	if (r.Type == mld.AllowNewSources) == (f.Mode == mld.Include) {
		f.Sources = add(f.Sources)
	} else {
		f.Sources = cut(f.Sources)
	}
	return f
}
