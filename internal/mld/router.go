package mld

import (
	"net/netip"
	"time"

	"tandem/internal/instant"
)

// Router is the router side of MLD on one downstream interface: the listener
// database and the querier. The version v that Receive and Advance take must be
// newer than every version they or Merge have seen, and name this device.
type Router struct {
	cfg   Config
	inUse Config // cfg with what the elected querier dictates
	store store
	now   instant.Time // latest time told
	kept  RouterKept
	// leaves are the groups with last-listener queries under way.
	leaves instant.Queue[uint32]
	static []staticGroup // sorted
	room   int           // see SetRoom

	scratch [2][]netip.Addr // source lists in the making
}

// NewRouter returns a router without link and without querier duty. device is the
// identity that versions of this device carry. Its static groups are there from
// the start, see Groups.
func NewRouter(cfg Config, device uint64, now instant.Time) *Router {
	r := &Router{cfg: cfg, inUse: cfg, now: now, room: -1}
	r.store.init(device)
	r.store.setTally(cfg.AccessLimit > 0, cfg.AccessExcept)
	r.setStatic(now, &Effects{})
	return r
}

// SetLink tells the router's own link-local address and whether the interface can
// send and receive. The database stays while it is down: the other device may
// serve its listeners.
func (r *Router) SetLink(now instant.Time, linkLocal netip.Addr, up bool, fx *Effects) {
	r.Tick(now)
	linkLocal = linkLocal.WithZone("")
	if r.kept.LinkLocal == linkLocal && r.kept.Up == up {
		return
	}
	if up && !r.kept.Up {
		// The router begins as querier on every link (RFC 9777, section 7.6.2).
		r.setOther(netip.Addr{})
	}
	r.kept.LinkLocal, r.kept.Up = linkLocal, up
	r.restart(now, fx)
}

// SetQuerierDuty lets the router query or stops it. Without duty it never sends a
// query but still hears who does.
func (r *Router) SetQuerierDuty(now instant.Time, on bool, fx *Effects) {
	r.Tick(now)
	if r.kept.Querier.Duty == on {
		return
	}
	r.kept.Querier.Duty = on
	r.restart(now, fx)
}

// Receive takes a message heard on the interface. What it changes in the database
// gets the version v. A *DropError says that the whole message was dropped;
// records of a report that had to be skipped are only counted.
func (r *Router) Receive(now instant.Time, v Version, meta Meta, p *Packet, fx *Effects) error {
	r.Tick(now)
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

// reports applies the records of an MLDv2 report.
func (r *Router) reports(now instant.Time, v Version, from netip.Addr, records []GroupRecord, fx *Effects) {
	limited := r.cfg.AccessLimit > 0
	for i := range records {
		if limited && records[i].gives() {
			r.report(now, v, from, records[i], 0, fx)
		}
	}
	for i := range records {
		if !limited || !records[i].gives() {
			r.report(now, v, from, records[i], 0, fx)
		}
	}
}

// refuses checks what RFC 9777, sections 5.1.14, 5.2.13 and 6.2, demand of every message.
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
	case TypeQuery, TypeReportV1, TypeDone, TypeReportV2:
		return 0, false
	}
	return DropType, true
}

// Malformed counts a message that Parse refused.
func (r *Router) Malformed() { r.kept.Counters.Drops.Count(DropMalformed) }

// Advance does everything that is due. Records that it rewrites get the version v.
func (r *Router) Advance(now instant.Time, v Version, fx *Effects) {
	r.Tick(now)
	r.advanceQuerier(now, fx)
	r.expire(now, fx)
	r.advanceLeaves(now, v, fx)
}

// Deadline returns when Advance must be called next, Never when nothing is waited for.
func (r *Router) Deadline() instant.Time {
	return instant.Earliest(r.querierDeadline(), r.store.expiry.due.Deadline(), r.leaves.Deadline())
}

// ListeningInterval is how long a listener lives that is not heard of.
func (r *Router) ListeningInterval() time.Duration { return r.inUse.ListeningInterval() }

// Tick tells the time as of which records are read: what they have left is left from then on.
func (r *Router) Tick(now instant.Time) { r.now = max(r.now, now) }

// expire removes the records whose time is up and files anew those that were
// refreshed or are held meanwhile.
func (r *Router) expire(now instant.Time, fx *Effects) {
	for id := r.store.expiry.pop(now); id != 0; id = r.store.expiry.pop(now) {
		rec := r.store.records.At(id)
		switch {
		case rec.expires > now:
			r.store.expiry.file(id, rec.expires, now)
		case r.isHeld(rec):
			// Its time starts anew at the release, which cannot end before this.
			if rec.live() && now < rec.heard.Add(r.inUse.ListeningInterval()) {
				rec.flags |= isRaised
			}
			rec.expires = now.Add(r.inUse.ListeningInterval())
			r.store.expiry.file(id, rec.expires, now)
		case r.kept.Apart && rec.device == 0 && rec.live() && !r.lingers(rec):
			r.bury(now, id, fx)
		default:
			group := r.store.groups.At(rec.group).addr
			if r.store.erase(now, id) {
				fx.Groups = append(fx.Groups, group)
			}
		}
	}
}

// bury makes a tombstone of a record of ours whose time is up while the peer cannot see that,
// and may hold an older version that lives on. It hides nothing that is newer.
func (r *Router) bury(now instant.Time, id uint32, fx *Effects) {
	rec := r.store.records.At(id)
	key := Key{r.store.groups.At(rec.group).addr, r.store.hosts.At(rec.host).addr}
	until := now.Add(r.inUse.ListeningInterval())
	if r.store.set(now, id, content{flags: isDeleted, clock: rec.clock + 1, heard: rec.heard, expires: until}) {
		fx.Groups = append(fx.Groups, key.Group)
	}
	r.store.expiry.file(id, until, now)
	fx.Changed = append(fx.Changed, key)
}
