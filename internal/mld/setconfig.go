package mld

import (
	"time"

	"tandem/internal/instant"
)

// SetConfig takes a new configuration without losing a listener. Timers that run
// keep running, except that what is known lives longer when the listening interval
// grows, since the next query may come later too. What is sent follows the new
// policy at once, also for what is known already: what it denies is no longer sent
// and ages out, and hosts are asked anew when it may permit more than before.
func (r *Router) SetConfig(now instant.Time, cfg Config, fx *Effects) {
	r.Tick(now)
	old, before := r.cfg, r.inUse
	r.cfg = cfg
	r.adopt()
	r.prolong(now.Add(before.LastListenerQueryTime()), r.inUse.ListeningInterval()-before.ListeningInterval())
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
			r.kept.Querier.Next = now // those that were refused say it again
		}
		r.ask(now, fx)
	}
}

// prolong gives records more time, but those that hosts are being asked about:
// their time ends soon because somebody has left.
func (r *Router) prolong(soon instant.Time, by time.Duration) {
	if by <= 0 {
		return
	}
	for id := uint32(1); id <= r.store.records.Top(); id++ {
		rec := r.store.records.At(id)
		if rec.group == 0 {
			continue
		}
		if g := r.store.groups.At(rec.group); id != g.linger && (g.leave == nil || rec.expires > soon) {
			rec.expires = rec.expires.Add(by) // it is filed for earlier, which is early enough
		}
	}
}
