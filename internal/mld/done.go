package mld

import (
	"net/netip"

	"tandem/internal/instant"
)

// done handles an MLDv1 Done (RFC 2710, section 4). In MLDv1 compatibility mode hosts
// suppress each other's reports, so the router does not know who else listens. It lowers
// all MLDv1 records of the group to the last listener query time and begins a pending
// leave. In MLDv2 mode a Done is the leave of one host.
func (r *Router) done(now instant.Time, v Version, from, addr netip.Addr, fx *Effects) {
	if !Routable(addr) {
		r.kept.Counters.Drops.Count(DropLinkScope)
		return
	}
	gid := r.store.findGroup(addr)
	if gid == 0 || r.store.groups.At(gid).live == 0 {
		return
	}
	if r.cfg.leavesPromptly(addr, anySource) || now >= r.store.groups.At(gid).v1Until {
		r.report(now, v, from, GroupRecord{Type: ChangeToInclude, Group: addr}, 0, fx)
		return
	}
	if r.missesAnswers() && !r.kept.Querier.Duty {
		// The peer is the querier, and the channel to report the Done to it is down. So
		// no device queries the hosts, and the records end when their listening interval
		// is over.
		r.kept.Counters.Drops.Count(DropDone)
		return
	}
	if id := r.store.findRecord(gid, r.store.findHost(from)); id != 0 && r.store.records.At(id).flags&isV1 == 0 {
		// The host has sent MLDv2 reports before. The Done ends what these asked for,
		// too.
		r.report(now, v, from, GroupRecord{Type: ChangeToInclude, Group: addr}, 0, fx)
	}
	r.lowerV1Expiry(now, gid, v, now.Add(r.inUse.LastListenerQueryTime()))
	r.beginLeave(now, v, gid, Filter{Mode: Exclude}, isV1, fx)
}

// lowerV1Expiry makes the MLDv1 records of a group expire at the instant at, at the
// latest. Records whose Version is v or newer are left as they are.
func (r *Router) lowerV1Expiry(now instant.Time, gid uint32, v Version, at instant.Time) {
	for id, rec := range r.store.listeners(r.store.groups.At(gid)) {
		if rec.flags&isV1 != 0 && rec.expires > at && v.newer(r.store.version(rec)) {
			r.store.setExpiry(id, at, now)
		}
	}
}
