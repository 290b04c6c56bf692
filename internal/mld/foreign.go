package mld

import (
	"net/netip"
	"time"

	"tandem/internal/instant"
)

// Queries are not authenticated: any host on the link can send one. A router that obeys
// every query lets one host end the records of all hosts. This file decides which queries
// this router obeys.

// refusesQuery refuses a query that the hosts did not receive, and one whose sender the
// policy denies. Hosts do not answer a query that they did not receive, so such a query
// must not lower the time of their records.
func (r *Router) refusesQuery(meta Meta, q *Query) (DropCause, bool) {
	switch {
	case meta.Unicast || meta.Dst != q.Destination(): // sections 5.1.15 and 6.2
		return DropUnheard, true
	case r.cfg.SendRouterAlert && !meta.RouterAlert: // hosts drop it (section 6.2)
		return DropUnheard, true
	}
	return DropSender, !r.cfg.QueryPolicy.permits(meta.Src)
}

// followsNobody reports whether this router ignores the queries of every other router.
// The devices of a pair need no election by queries: the device with the duty queries,
// and its records are replicated to the other.
func (c *Config) followsNobody() bool { return c.Paired && c.QueryPolicy == nil }

// maxStretch bounds the listening interval of another querier, as a multiple of the
// configured one. This router does not follow a querier that queries more rarely. It goes
// on querying itself.
const maxStretch = 2

// follows reports whether a query may change the election, a timer or a record.
func (r *Router) follows(q *Query) bool {
	if r.cfg.followsNobody() {
		return false
	}
	response := q.MaxResponse
	if !q.General() {
		response = r.kept.Querier.Dictated.Response
	}
	said := r.cfg.with(q.Robustness, q.QueryInterval, response)
	return said.ListeningInterval() <= maxStretch*r.cfg.ListeningInterval()
}

// answerSlack is how long this router waits for answers after a query's response time is
// over.
const answerSlack = time.Second

// watchAnswers schedules a check whether hosts answer a general query of the elected
// querier. Later queries are not watched until the check is done.
func (r *Router) watchAnswers(now instant.Time, q *Query) {
	if k := &r.kept.Querier; q.General() && k.Duty && !k.CheckAt.IsSet() {
		k.OtherAsked, k.CheckAt = now, now.Add(min(q.MaxResponse, r.cfg.QueryInterval)+answerSlack)
	}
}

// checkAnswers sends a query if a host has not answered the elected querier. A host may
// not have received that query, for instance behind a switch that isolates ports. Then
// its record would end although it listens.
func (r *Router) checkAnswers(now instant.Time, fx *Effects) {
	q := &r.kept.Querier
	if !q.CheckAt.IsDue(now) {
		return
	}
	asked := q.OtherAsked
	q.OtherAsked, q.CheckAt = instant.Never, instant.Never
	recently := q.AskedAt.IsSet() && now < q.AskedAt.Add(r.cfg.StartupQueryInterval())
	if q.Duty && r.kept.Up && q.Other.IsValid() && !recently && r.hasUnheard(asked) {
		r.send(Query{MaxResponse: r.cfg.MaxResponse, Group: netip.IPv6Unspecified()}, fx)
		q.AskedAt = now
	}
}

// hasUnheard reports whether this router has a record of a host from which it has
// received no report since an instant.
func (r *Router) hasUnheard(since instant.Time) bool {
	for id := uint32(1); id <= r.store.records.Top(); id++ {
		rec := r.store.records.At(id)
		if rec.group != 0 && rec.device == 0 && rec.live() && rec.heard < since && !r.isLeaveRecord(rec) {
			return true
		}
	}
	return false
}

// noteForeign records a router whose queries are not followed, for an alarm. It cannot
// tell queries of the peer from those of a stranger. So it records nothing while the peer
// may query: while this router has no duty, while the peer may have lost contact, and for
// a moment after the peer has handed over the duty.
func (r *Router) noteForeign(now instant.Time, from netip.Addr) {
	q := &r.kept.Querier
	if !q.Duty || r.kept.Partitioned || now < q.DutySince.Add(r.cfg.MaxResponse) {
		return
	}
	r.kept.Counters.Drops.Count(DropForeign)
	q.Foreign, q.ForeignUntil = from, now.Add(r.cfg.OtherQuerierPresentInterval())
}

// ForeignQuerier returns the router that sends queries and is not followed, the zero Addr
// if there is none.
func (r *Router) ForeignQuerier() netip.Addr { return r.kept.Querier.Foreign }
