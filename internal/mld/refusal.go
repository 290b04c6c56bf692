package mld

import (
	"net/netip"
	"time"

	"tandem/internal/instant"
)

// Refusal is a join that a bound has refused. It is kept for an alarm, until no join has
// been refused for some time.
type Refusal struct {
	Host  netip.Addr // the zero Addr if no join was refused
	Cause DropCause
	Until instant.Time
}

// refusalLife is how long a refusal is kept.
const refusalLife = 5 * time.Minute

// refuse counts a join that a bound refuses, and records its host.
func (r *Router) refuse(now instant.Time, cause DropCause, from netip.Addr) {
	r.kept.Counters.Drops.Count(cause)
	r.kept.Refusal = Refusal{from, cause, now.Add(refusalLife)}
}

// Refusal returns the last refusal, if it is still kept.
func (r *Router) Refusal() Refusal { return r.kept.Refusal }

func (r *Router) expireRefusal(now instant.Time) {
	if r.kept.Refusal.Until.IsDue(now) {
		r.kept.Refusal = Refusal{}
	}
}
