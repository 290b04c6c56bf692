package mld

import (
	"net/netip"
	"time"

	"tandem/internal/instant"
)

// Queries are not authenticated: any host of the link can send one. So a router that
// believes them lets one host end the records of all. This file says which queries count.

// refusesQuery refuses a query that the hosts did not hear, and one that the policy denies.
// What hosts did not hear, they do not answer. So it must not change what is known of them.
func (r *Router) refusesQuery(meta Meta, q *Query) (DropCause, bool) {
	switch {
	case meta.Unicast || meta.Dst != q.Destination(): // sections 5.1.15 and 6.2
		return DropUnheard, true
	case r.cfg.SendRouterAlert && !meta.RouterAlert: // hosts drop it (section 6.2)
		return DropUnheard, true
	}
	return DropSender, !r.cfg.QueryPolicy.permits(meta.Src)
}

// followsNobody reports whether no other router's query counts. A pair needs none: one of
// the two queries, and what that one hears is replicated.
func (c *Config) followsNobody() bool { return c.Paired && c.QueryPolicy == nil }

// maxStretch is how many times the configured listening interval the one of another querier
// may be. A querier that asks more rarely is not followed: this router goes on to query.
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

// answerSlack is how much longer than a query says its answers are waited for.
const answerSlack = time.Second

// watchAnswers notes when the answers to a general query of the elected querier are to be
// looked for. The next one is looked after only then.
func (r *Router) watchAnswers(now instant.Time, q *Query) {
	if k := &r.kept.Querier; q.General() && k.Duty && !k.CheckAt.IsSet() {
		k.OtherAsked, k.CheckAt = now, now.Add(min(q.MaxResponse, r.cfg.QueryInterval)+answerSlack)
	}
}

// checkAnswers asks the hosts itself if one of them has not answered the elected querier. It
// may not have heard it, as behind a switch that keeps ports apart. Its record would end.
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

// hasUnheard reports whether a host that this router has heard has not been heard since.
func (r *Router) hasUnheard(since instant.Time) bool {
	for id := uint32(1); id <= r.store.records.Top(); id++ {
		rec := r.store.records.At(id)
		if rec.group != 0 && rec.device == 0 && rec.live() && rec.heard < since && !r.isLeaveRecord(rec) {
			return true
		}
	}
	return false
}

// noteForeign notes a router whose queries are not followed. The peer's cannot be told from
// those of others. So nothing is noted without duty, while the peer may query for want of
// contact, and for a moment after it has handed over the duty.
func (r *Router) noteForeign(now instant.Time, from netip.Addr) {
	q := &r.kept.Querier
	if !q.Duty || r.kept.Partitioned || now < q.DutySince.Add(r.cfg.MaxResponse) {
		return
	}
	r.kept.Counters.Drops.Count(DropForeign)
	q.Foreign, q.ForeignUntil = from, now.Add(r.cfg.OtherQuerierPresentInterval())
}

// ForeignQuerier returns the router that queries and is not followed, the zero Addr for none.
func (r *Router) ForeignQuerier() netip.Addr { return r.kept.Querier.Foreign }
