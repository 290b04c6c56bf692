package mld

import (
	"net/netip"
	"time"

	"tandem/internal/instant"
)

// SetConfig applies a new configuration. No record is removed. Timers go on as they are,
// with one exception: if the listening interval grows, all records live longer, because
// the next query may come later. The new policy applies at once, also to existing
// records: a stream that it denies is no longer sent, and its records expire. When the
// policy may permit more than before, a general query makes the hosts report again.
func (r *Router) SetConfig(now instant.Time, cfg Config, fx *Effects) {
	old, before, lived := r.cfg, r.inUse, r.ListeningInterval()
	r.cfg = cfg
	if cfg.followsNobody() && r.kept.Querier.Duty && r.kept.Querier.Other.IsValid() {
		r.kept.Querier.Other, r.kept.Querier.Dictated, r.kept.Querier.Next = netip.Addr{}, Dictated{}, now
	}
	r.adoptVariables()
	r.prolong(now.Add(before.LastListenerQueryTime()), r.ListeningInterval()-lived)
	if on := cfg.AccessLimit > 0; on != r.store.tallied || !r.store.except.equal(cfg.AccessExcept) {
		r.store.setTally(on, cfg.AccessExcept)
	}
	r.setStatic(now, fx)
	if !cfg.sameView(old) {
		for group := range r.Groups() {
			fx.Groups = append(fx.Groups, group)
		}
	}
	if r.IsQuerier() {
		r.kept.Querier.Next = instant.Earliest(r.kept.Querier.Next, now.Add(r.inUse.QueryInterval))
		if !cfg.sameAdmission(old) {
			r.kept.Querier.Next = now // hosts that were refused will report again
		}
		r.sendDueGeneralQuery(now, fx)
	}
}

// prolong gives records more time. It leaves out records of a group with a pending leave
// that end before soon: the pending leave has lowered their time on purpose.
func (r *Router) prolong(soon instant.Time, by time.Duration) {
	if by <= 0 {
		return
	}
	for id := uint32(1); id <= r.store.records.Top(); id++ {
		rec := r.store.records.At(id)
		if rec.group == 0 {
			continue
		}
		if g := r.store.groups.At(rec.group); id != g.leaveRecord && (g.leave == nil || rec.expires > soon) {
			rec.expires = rec.expires.Add(by) // its bucket in the calendar is due earlier, which does no harm
		}
	}
}
