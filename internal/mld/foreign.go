package mld

import (
	"net/netip"

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
