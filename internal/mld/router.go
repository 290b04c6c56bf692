package mld

import (
	"net/netip"
	"time"

	"tandem/internal/instant"
)

// Router is the router side of MLD on one downstream interface: the listener database and
// the querier. Several methods take a version v and give it to the records that they
// write. It must carry the ID of this device, and be higher than every version that the
// router has received or written.
type Router struct {
	cfg   Config
	inUse Config // cfg with the variables of the elected querier
	store store
	kept  RouterKept
	// leaves holds the groups with a pending leave, by their alarms.
	leaves instant.Queue[uint32]
	static []staticGroup // sorted
	room   int           // the bound that SetRoom sets

	scratch [2][]netip.Addr // memory for source lists, used again
}

// NewRouter returns a router whose link is down and that has no querier duty. device is
// the ID of this device, which its versions carry. Groups yields the static groups from
// the start.
func NewRouter(cfg Config, device uint64, now instant.Time) *Router {
	r := &Router{cfg: cfg, inUse: cfg, room: -1}
	r.store.init(device)
	r.store.setTally(cfg.AccessLimit > 0, cfg.AccessExcept)
	r.setStatic(now, &Effects{})
	return r
}

// SetLink sets the router's link-local address, and whether the interface can send and
// receive. While the interface is down the router keeps its records, because the peer may
// serve these listeners.
func (r *Router) SetLink(now instant.Time, linkLocal netip.Addr, up bool, fx *Effects) {
	linkLocal = linkLocal.WithZone("")
	if r.kept.LinkLocal == linkLocal && r.kept.Up == up {
		return
	}
	if up && !r.kept.Up {
		// The router begins as querier on every link (RFC 9777, section 7.6.2).
		r.setOther(netip.Addr{})
	}
	r.kept.LinkLocal, r.kept.Up = linkLocal, up
	r.restartQueries(now, fx)
}

// SetQuerierDuty sets whether the router may be the querier. Without this duty it sends
// no query, but it still records which router is the querier.
func (r *Router) SetQuerierDuty(now instant.Time, on bool, fx *Effects) {
	if r.kept.Querier.Duty == on {
		return
	}
	r.kept.Querier.Duty = on
	if on {
		r.kept.Querier.DutySince = now
	}
	r.restartQueries(now, fx)
}

// Receive handles a message that was received on the interface. Records that it changes
// get the version v. A *DropError says that the whole message was dropped. Group records
// of a report that are skipped are counted, and are no error.
func (r *Router) Receive(now instant.Time, v Version, meta Meta, p *Packet, fx *Effects) error {
	meta.Src = meta.Src.WithZone("")
	if cause, drop := r.refuses(meta, p); drop {
		r.kept.Counters.Drops.Count(cause)
		return &DropError{Cause: cause, Type: p.Type, From: meta.Src}
	}
	r.kept.Counters.Received.count(p)
	switch p.Type {
	case TypeQuery:
		r.heardQuery(now, meta.Src, &p.Query, fx)
	case TypeReportV1:
		r.report(now, v, meta.Src, GroupRecord{Type: ModeIsExclude, Group: p.Group}, isV1, fx)
	case TypeDone:
		r.done(now, v, meta.Src, p.Group, fx)
	case TypeReportV2:
		r.reports(now, v, meta.Src, p.Records, fx)
	}
	return nil
}

// reports applies the group records of an MLDv2 report. Under an access limit, those
// that only remove come first (see onlyRemoves).
func (r *Router) reports(now instant.Time, v Version, from netip.Addr, records []GroupRecord, fx *Effects) {
	limited := r.cfg.AccessLimit > 0
	for i := range records {
		if limited && records[i].onlyRemoves() {
			r.report(now, v, from, records[i], 0, fx)
		}
	}
	for i := range records {
		if !limited || !records[i].onlyRemoves() {
			r.report(now, v, from, records[i], 0, fx)
		}
	}
}

// refuses checks a message against RFC 9777, sections 5.1.14, 5.2.13 and 6.2.
func (r *Router) refuses(meta Meta, p *Packet) (DropCause, bool) {
	switch {
	case !r.kept.Up:
		return DropLinkDown, true
	case meta.HopLimit != 1:
		return DropHopLimit, true
	case !meta.Src.IsLinkLocalUnicast():
		return DropSource, true
	case meta.Src == r.kept.LinkLocal:
		return DropOwn, true
	case r.cfg.RequireRouterAlert && !meta.RouterAlert:
		return DropRouterAlert, true
	case r.cfg.Version == 1 && p.Type == TypeReportV2:
		return DropVersion, true
	}
	switch p.Type {
	case TypeQuery:
		return r.refusesQuery(meta, &p.Query)
	case TypeReportV1, TypeDone, TypeReportV2:
		return DropSender, !r.cfg.SourcePolicy.permits(meta.Src)
	}
	return DropType, true
}

// Malformed counts a message that Parse has refused.
func (r *Router) Malformed() { r.kept.Counters.Drops.Count(DropMalformed) }

// Advance does all that is due at now. Records that it rewrites get the version v.
func (r *Router) Advance(now instant.Time, v Version, fx *Effects) {
	r.advanceQuerier(now, fx)
	r.expire(now, fx)
	r.expireRefusal(now)
	r.advanceLeaves(now, v, fx)
}

// Deadline returns when Advance must be called next, Never if no timer runs.
func (r *Router) Deadline() instant.Time {
	return instant.Earliest(r.querierDeadline(), r.store.expiry.due.Deadline(), r.leaves.Deadline(), r.kept.Refusal.Until)
}

// ListeningInterval returns how long a record of a host lives without a report (Multicast
// Address Listening Interval, section 9.4).
//
// If the elected querier queries more rarely than this router would, its interval counts.
// The result is never shorter than the configured interval, so no other router can end a
// record before its host could have answered this router.
func (r *Router) ListeningInterval() time.Duration {
	return max(r.inUse.ListeningInterval(), r.cfg.ListeningInterval())
}

// expire removes the records whose time is over. Records that are due in the calendar and
// have been refreshed, or are retained, go back into it.
func (r *Router) expire(now instant.Time, fx *Effects) {
	for id := r.store.expiry.pop(now); id != 0; id = r.store.expiry.pop(now) {
		rec := r.store.records.At(id)
		switch {
		case rec.expires > now:
			r.store.expiry.add(id, rec.expires, now)
		case r.isRetained(rec):
			// When retention ends, the record gets a full listening interval from the
			// last report. So it cannot end before the instant set here.
			if rec.live() && now < rec.heard.Add(r.ListeningInterval()) {
				rec.flags |= isProlonged
			}
			rec.expires = now.Add(r.ListeningInterval())
			r.store.expiry.add(id, rec.expires, now)
		case r.kept.Partitioned && rec.device == 0 && rec.live() && !r.isLeaveRecord(rec):
			r.turnIntoTombstone(now, id, fx)
		default:
			group := r.store.groups.At(rec.group).addr
			if r.store.erase(now, id) {
				fx.Groups = append(fx.Groups, group)
			}
		}
	}
}
