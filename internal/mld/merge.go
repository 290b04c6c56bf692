package mld

import (
	"time"

	"tandem/internal/instant"
)

// maxLeft bounds how long a peer's record can live: the listening interval of the
// largest configuration there is.
const maxLeft = 7*18000*time.Second + 8388*time.Second

// Merged is what became of a record from the peer.
type Merged uint8

// What may become of it.
const (
	MergedNewer Merged = iota // it has been taken
	MergedStale               // the record held is as new, or newer
	MergedUnfit               // no such group is forwarded, or no such host can be
	MergedFull                // there is no room for another record
)

// Merge takes a record from the peer. The last writer wins. Merging the same records in any order, any
// number of times, gives the same live records. The leave in progress of a peer
// starts the queries here if this router is the querier.
func (r *Router) Merge(now instant.Time, rec Record, fx *Effects) Merged {
	r.Tick(now)
	if !rec.Host.Is6() || rec.Host.IsMulticast() {
		return MergedUnfit
	}
	key := Key{rec.Group, rec.Host.WithZone("")}
	at := r.store.place(key)
	if at.group == 0 && !Routable(key.Group) {
		return MergedUnfit
	}
	id := at.record
	if id != 0 && !rec.Version.newer(r.store.version(r.store.records.At(id))) {
		return MergedStale
	}
	device, ok := r.store.device(rec.Version.Device)
	if !ok || id == 0 && r.store.records.Len() >= maxRecords {
		return MergedFull
	}
	left := min(max(rec.Left, 0), maxLeft)
	c := content{clock: rec.Version.Clock, device: device, expires: now.Add(left)}
	c.heard = now.Add(-max(r.inUse.ListeningInterval()-left, 0))
	if !rec.Deleted {
		r.scratch[0] = appendSources(r.scratch[0][:0], rec.Sources)
		c.Filter = Filter{rec.Mode, r.scratch[0]}
	}
	if rec.V1 {
		c.flags |= isV1
	}
	if rec.Deleted || c.Empty() {
		c.flags = isDeleted
	}
	if id == 0 {
		id = r.store.createAt(now, key, at, c.expires)
	}
	if r.store.set(now, id, c) {
		fx.Groups = append(fx.Groups, key.Group)
	}
	r.merged(now, id, rec.Version, fx)
	return MergedNewer
}

// merged follows up what a record from the peer means for its group.
func (r *Router) merged(now instant.Time, id uint32, v Version, fx *Effects) {
	rec := r.store.records.At(id)
	if !rec.live() {
		return
	}
	gid, g := rec.group, r.store.groups.At(rec.group)
	if id != g.linger {
		r.store.setReporter(g, rec.host)
		if r.mergedV1(now, id) && r.kept.Apart && r.IsQuerier() && r.runsOut(now, g) {
			r.askAnew(now, gid) // else it may be over before the peer hears of it
		}
		return
	}
	if rec.flags&isV1 != 0 {
		r.lowerV1(now, gid, v, rec.expires)
	}
	switch f := r.store.filter(id); {
	case r.IsQuerier() && r.kept.Apart: // it may have waited for the channel
		r.takeUp(now, gid, fx)
	case r.IsQuerier():
		// Who has answered for all may have left at the peer after that.
		again := g.leave != nil && rec.expires.Add(-r.inUse.LastListenerInterval/2) > g.leave.until()
		r.question(now, gid, f, rec.expires, again, fx)
	case f.Mode == Include:
		r.expectPartial(gid, rec.expires)
	}
}

// mergedV1 applies to an MLDv1 record what a done that it does not postdate has lowered.
func (r *Router) mergedV1(now instant.Time, id uint32) (lowered bool) {
	rec := r.store.records.At(id)
	if rec.flags&isV1 == 0 {
		return false
	}
	g := r.store.groups.At(rec.group)
	g.v1Until = max(g.v1Until, rec.expires)
	if g.linger == 0 {
		return false
	}
	done := r.store.records.At(g.linger)
	if done.live() && done.flags&isV1 != 0 && rec.expires > done.expires && r.store.version(done).newer(r.store.version(rec)) {
		r.store.setExpiry(id, done.expires, now)
		return true
	}
	return false
}

// HoldPeer stops the ageing of what the peer heard, while the peer lives but
// cannot tell us of refreshes. Tombstones are held as well, for the records they
// hide are held at the peer. When it is switched off all of them get a full
// listening interval, but for what the peer still has, if it is not apart: that ends
// here when it does there. Leaves in progress are never held. What it rewrites gets the version v.
func (r *Router) HoldPeer(now instant.Time, v Version, on bool, fx *Effects) {
	r.Tick(now)
	if r.kept.Held == on {
		return
	}
	if on {
		r.expire(now, fx)
		r.kept.Held = true
		if !r.kept.Querier.Duty {
			r.keepUnasked(now, v, fx)
		}
		return
	}
	for id := uint32(1); id <= r.store.records.Top(); id++ {
		if rec := r.store.records.At(id); rec.group != 0 && r.isHeld(rec) {
			at := now.Add(r.inUse.ListeningInterval())
			if !r.kept.Apart {
				at = r.ends(rec, now)
			}
			r.store.setExpiry(id, at, now)
		}
	}
	r.release(now)
}

// release ends the hold. What a done lowered meanwhile stays low.
func (r *Router) release(now instant.Time) {
	r.kept.Held = false
	for id := uint32(1); id <= r.store.records.Top(); id++ {
		if rec := r.store.records.At(id); rec.group != 0 && rec.live() && id != r.store.groups.At(rec.group).linger {
			r.mergedV1(now, id)
		}
	}
}

// ends is when a record ends if the peer can be heard of from now on: what the peer heard
// when it ends there, unless it has ended, for then it is given back as it is here.
func (r *Router) ends(rec *record, now instant.Time) instant.Time {
	held := r.isHeld(rec)
	full := now.Add(r.inUse.ListeningInterval())
	switch at := rec.heard.Add(r.inUse.ListeningInterval()); {
	case rec.live() && at > now && (held || r.kept.Apart && rec.device != 0):
		return instant.Earliest(at, rec.expires)
	case held:
		return full
	}
	return rec.expires
}

// keepUnasked gives MLDv1 groups that are being left their time back: the peer is to
// ask for them, may never have heard of it, and cannot tell of answers. It will be told.
func (r *Router) keepUnasked(now instant.Time, v Version, fx *Effects) {
	for gid := range r.store.lingering() {
		g := r.store.groups.At(gid)
		if done := r.store.records.At(g.linger); !done.live() || done.flags&isV1 == 0 || done.device != 0 {
			continue
		}
		for id, rec := range r.store.listeners(g) {
			if rec.flags&isV1 == 0 {
				continue
			}
			if rec.device != 0 { // it is held, and ends when it does at the peer
				r.store.setExpiry(id, max(rec.expires, rec.heard.Add(r.inUse.ListeningInterval())), now)
				continue
			}
			r.store.set(now, id, content{Filter: r.store.filter(id), flags: isV1, clock: v.Clock, heard: rec.heard,
				expires: now.Add(r.inUse.ListeningInterval())})
			fx.Changed = append(fx.Changed, Key{g.addr, r.store.hosts.At(rec.host).addr})
		}
		if addr := g.addr; r.store.erase(now, g.linger) {
			fx.Groups = append(fx.Groups, addr)
		}
	}
}

// Restamp moves the version of every record forward, for a clock that turns out to have
// been behind for as long as it has been read.
func (r *Router) Restamp(by uint64) {
	for id := uint32(1); id <= r.store.records.Top(); id++ {
		if rec := r.store.records.At(id); rec.group != 0 {
			was := r.store.version(rec)
			rec.clock += by
			r.store.tell(id, was, rec.flags, false)
		}
	}
}

// SetApart tells whether the peer may have heard hosts of which this router does
// not know. Then a leave makes a tombstone, or a new one, even of a host that is
// not known to listen: it may have joined by way of the peer meanwhile, and would
// be taken for a listener again.
//
// When they are together again nothing is held, and what the peer still has ends here when
// it does there. What this rewrites gets the version v.
func (r *Router) SetApart(now instant.Time, v Version, on bool, fx *Effects) {
	r.Tick(now)
	if r.kept.Apart && !on {
		for id := uint32(1); id <= r.store.records.Top(); id++ {
			if rec := r.store.records.At(id); rec.group != 0 {
				at := r.ends(rec, now)
				r.store.setExpiry(id, at, now)
				if rec.device != 0 { // as the peer has it that is given it back
					rec.heard = max(rec.heard, at.Add(-r.inUse.ListeningInterval()))
				}
				if rec.flags&isRaised != 0 {
					r.giveBack(now, v, id, fx)
				}
			}
		}
		if r.kept.Held {
			r.release(now)
		}
	}
	r.kept.Apart = on
}

// giveBack tells the peer that a record lives on. A peer that has lost its own was given it
// during the synchronisation as the done had lowered it, and so let it end.
func (r *Router) giveBack(now instant.Time, v Version, id uint32, fx *Effects) {
	rec := r.store.records.At(id)
	r.store.set(now, id, content{Filter: r.store.filter(id), flags: rec.flags & isV1, clock: v.Clock, heard: rec.heard, expires: rec.expires})
	fx.Changed = append(fx.Changed, Key{r.store.groups.At(rec.group).addr, r.store.hosts.At(rec.host).addr})
}

// unheard reports whether the peer lives, and may be asking, but cannot tell us of answers.
func (r *Router) unheard() bool { return r.kept.Held || r.kept.Apart && !r.kept.Querier.Duty }

// isHeld reports whether a record does not age at present.
func (r *Router) isHeld(rec *record) bool {
	return r.kept.Held && (rec.device != 0 || !rec.live()) && !r.lingers(rec)
}

// lingers reports whether a record is a leave in progress.
func (r *Router) lingers(rec *record) bool { return r.store.hosts.At(rec.host).addr.IsUnspecified() }

// Forget removes a tombstone that the peer has acknowledged, if it still has this version.
func (r *Router) Forget(h Handle, v Version) {
	if h == 0 {
		return
	}
	if rec := r.store.records.At(uint32(h)); !rec.live() && r.store.version(rec) == v {
		r.store.erase(r.now, uint32(h))
	}
}
