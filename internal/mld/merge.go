package mld

import (
	"time"

	"tandem/internal/instant"
)

// maxLeft bounds the remaining lifetime in a peer's record. It is the listening interval
// with the largest values that the configuration allows.
const maxLeft = 7*18000*time.Second + 8388*time.Second

// Merged says what Merge did with a record from the peer.
type Merged uint8

// The results of Merge.
const (
	MergedNewer Merged = iota // the record is newer, and has replaced the one in the database
	MergedStale               // the record in the database is as new, or newer
	MergedUnfit               // its group is not routable, or its address cannot be that of a host
	MergedFull                // there is no room for another record
)

// Merge merges a record from the peer. The higher version wins. Merging the same records
// in any order, any number of times, gives the same live records. A leave record of the
// peer starts the last listener queries, if this router is the querier.
func (r *Router) Merge(now instant.Time, rec Record, fx *Effects) Merged {
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
	c.heard = now.Add(-max(r.ListeningInterval()-left, 0))
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
	old := r.store.filter(id)
	if id == 0 {
		id = r.store.createAt(now, key, at, c.expires)
	}
	if r.store.set(now, id, c) {
		fx.Groups = append(fx.Groups, key.Group)
	}
	if r.cfg.PromptLeave && id != r.store.groups.At(r.store.records.At(id).group).leaveRecord && !covers(c.Filter, old) {
		gid := r.store.records.At(id).group
		r.askBeside(gid, r.abandoned(gid, old), fx)
	}
	r.followMerge(now, id, rec.Version, fx)
	return MergedNewer
}

// followMerge starts the queries that a live record from the peer requires for its group.
func (r *Router) followMerge(now instant.Time, id uint32, v Version, fx *Effects) {
	rec := r.store.records.At(id)
	if !rec.live() {
		return
	}
	gid, g := rec.group, r.store.groups.At(rec.group)
	if id != g.leaveRecord {
		r.store.setReporter(g, rec.host)
		if r.lowerByDone(now, id) && r.kept.Partitioned && r.IsQuerier() && r.lacksTime(now, g) {
			r.deferRestart(now, gid) // otherwise the pending leave may end before the peer learns of it
		}
		return
	}
	if rec.flags&isV1 != 0 {
		r.lowerV1Expiry(now, gid, v, rec.expires)
	}
	switch f := r.store.filter(id); {
	case r.IsQuerier() && r.kept.Partitioned: // the record may have waited for the channel
		r.takeOverLeave(now, gid, fx)
	case r.IsQuerier():
		// A host may have answered for all others here, and have left at the peer after
		// that.
		again := g.leave != nil && rec.expires.Add(-r.inUse.LastListenerInterval/2) > g.leave.until()
		r.startQueries(now, gid, f, rec.expires, again, fx)
	case f.Mode == Include:
		r.expectPartialAnswers(gid, rec.expires)
	}
}

// lowerByDone lowers the expiry of an MLDv1 record whose group has a pending leave caused
// by a Done newer than the record. It reports whether it lowered the expiry.
func (r *Router) lowerByDone(now instant.Time, id uint32) (lowered bool) {
	rec := r.store.records.At(id)
	if rec.flags&isV1 == 0 {
		return false
	}
	g := r.store.groups.At(rec.group)
	g.v1Until = max(g.v1Until, rec.expires)
	if g.leaveRecord == 0 {
		return false
	}
	done := r.store.records.At(g.leaveRecord)
	if done.live() && done.flags&isV1 != 0 && rec.expires > done.expires && r.store.version(done).newer(r.store.version(rec)) {
		r.store.setExpiry(id, done.expires, now)
		return true
	}
	return false
}

// Restamp adds to the version of every record. The caller uses it when it learns that its
// hybrid logical clock was behind by that amount when the records were written.
func (r *Router) Restamp(by uint64) {
	for id := uint32(1); id <= r.store.records.Top(); id++ {
		if rec := r.store.records.At(id); rec.group != 0 {
			was := r.store.version(rec)
			rec.clock += by
			r.store.notifyObserver(id, was, rec.flags, false)
		}
	}
}

// Forget removes a tombstone that the peer has acknowledged, if the tombstone still has
// the version v.
func (r *Router) Forget(now instant.Time, h Handle, v Version) {
	if h == 0 {
		return
	}
	if rec := r.store.records.At(uint32(h)); !rec.live() && r.store.version(rec) == v {
		r.store.erase(now, uint32(h))
	}
}
