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

// unsolicited is the longest time between the two reports of a change (Unsolicited Report
// Interval, RFC 9777, section 9.11).
const unsolicited = time.Second

// host is a listener behind the switch.
type host struct {
	w      *World
	number int
	vlan   int
	leg    int // the leg to which the switch hashes this host's messages
	// hashedTo is the device that receives the host's messages, and since when.
	hashedTo *node
	hashedAt instant.Time
	addr     netip.Addr
	v1       bool // speaks MLDv1 only, and joins no SSM stream
	wants    []bool
	changes  []int // counts the changes, so that an outdated repetition is recognised
	// lost says that the host's last report of a stream was lost. MLD survives one loss,
	// because its robustness is 2. Two losses in a row are not a fault of the devices.
	lost []bool
	// An MLDv1 host (RFC 2710, section 4) is silent if another host has answered. It sends a
	// Done only if it was the last to report.
	pending, last []bool
	// heard says that a device has received the host's report for the stream.
	heard   []bool
	heardAt []instant.Time
	bothAt  []instant.Time // since when both devices know of the listener; as precise as the interval of the checks
	// gone is the device that received the host's leave of a stream.
	gone []witness
}

// witness is a device from one of its starts to the next.
type witness struct {
	node *node
	boot uint64
}

// v1link is the state that the MLDv1 hosts of a VLAN share.
type v1link struct {
	lost []bool // by stream; one for all hosts, because one host reports for all
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

// faithful reports whether a host almost never joins or leaves. So only refreshes keep
// its records alive as long as a fault lasts.
func (h *host) faithful() bool { return h.number%4 == 3 }

// change joins or leaves a stream, and sends the report twice.
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

// leaveBeyond leaves streams until the host wants no more than most, but keeps the one
// that it has just joined.
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

// report sends a report of one stream: a change, or an answer to a query.
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

// lostReport returns the field that notes the loss of the last report of a stream.
func (h *host) lostReport(i int) *bool {
	if h.v1 {
		return &h.w.v1[h.vlan].lost[i]
	}
	return &h.lost[i]
}

// reportsForAll makes the other MLDv1 hosts of the group silent, because this host has
// reported.
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

// hearQuery answers a query within its maximum response time.
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

// send sends a message to the leg that the switch has chosen for this host, sometimes
// twice.
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
			if !n.listening() { // no device receives the report, so it counts as lost
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

// legOf returns the device whose leg the switch uses for a host: a hash chooses the leg,
// or it is the other leg if the switch does not forward on the chosen one.
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

// apply returns a host's filter after a record, as a router that does not track hosts would
// compute it.
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
