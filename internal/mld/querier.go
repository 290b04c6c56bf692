package mld

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// Querier is the state of the election (RFC 9777, section 7.6.2) and of the
// general queries (sections 7.1, 9.6 and 9.7).
type Querier struct {
	Duty bool // the router may be the querier
	// Other is the elected querier if that is another router. OtherUntil is the end of
	// the other querier present timer (section 9.5).
	Other      netip.Addr
	OtherUntil instant.Time
	// Next is when the next general query is due while this router is the querier.
	Next     instant.Time
	AskedAt  instant.Time // when the last general query was sent
	Startup  int          // general queries still to be sent at the startup interval (section 9.7)
	Dictated Dictated
	// Foreign is a router that sends queries and is not followed. It counts as gone after
	// ForeignUntil. DutySince is when this router's duty began.
	Foreign                 netip.Addr
	ForeignUntil, DutySince instant.Time
	// OtherAsked is when the elected querier sent the general query whose answers are
	// checked at CheckAt. CheckAt is Never when no check is scheduled.
	OtherAsked, CheckAt instant.Time
	// QuietUntil is when a query of another MLD version may be reported next.
	QuietUntil instant.Time
}

// Dictated holds the variables that the other querier's messages carry, 0 for those that
// they do not carry (sections 9.1, 9.2, 9.3 and 9.8).
type Dictated struct {
	Robustness                       int
	Interval, Response, LastListener time.Duration
}

// IsQuerier reports whether this router is the elected querier now.
func (r *Router) IsQuerier() bool {
	return r.kept.Querier.Duty && r.kept.Up && r.kept.LinkLocal.IsValid() && !r.kept.Querier.Other.IsValid()
}

// restartQueries starts the general queries again after the link or the duty has changed,
// and takes over the pending leaves.
func (r *Router) restartQueries(now instant.Time, fx *Effects) {
	q := &r.kept.Querier
	if q.Duty && q.Other.IsValid() && r.kept.LinkLocal.IsValid() && (r.kept.LinkLocal.Less(q.Other) || r.cfg.followsNobody()) {
		r.setOther(netip.Addr{})
	}
	q.Startup, q.Next = r.cfg.Robustness, now
	r.sendDueGeneralQuery(now, fx)
	r.takeOverLeaves(now, fx)
}

// takeOverLeaves takes over all pending leaves, if this router is the querier. The
// previous querier may have died before it sent their queries, or no router may have
// received the answers.
func (r *Router) takeOverLeaves(now instant.Time, fx *Effects) {
	if !r.IsQuerier() {
		return
	}
	for gid := range r.store.leavingGroups() {
		if id := r.store.groups.At(gid).leaveRecord; r.store.records.At(id).live() {
			r.takeOverLeave(now, gid, fx)
		}
	}
}

// RestartQueries starts the general queries again if this router is the querier, unless
// they have just started. The caller uses it when switches and hosts may take another
// router for the querier.
func (r *Router) RestartQueries(now instant.Time, fx *Effects) {
	if q := &r.kept.Querier; now != q.AskedAt || q.Startup != r.cfg.Robustness-1 {
		r.restartQueries(now, fx)
	}
}

// sendDueGeneralQuery sends the general query if it is due.
func (r *Router) sendDueGeneralQuery(now instant.Time, fx *Effects) {
	q := &r.kept.Querier
	if !r.IsQuerier() || now < q.Next {
		return
	}
	r.send(Query{MaxResponse: r.inUse.MaxResponse, Group: netip.IPv6Unspecified()}, fx)
	q.AskedAt, q.Next = now, now.Add(r.inUse.QueryInterval)
	if q.Startup > 0 {
		if q.Startup--; q.Startup > 0 {
			q.Next = now.Add(r.inUse.StartupQueryInterval())
		}
	}
}

// send sends a query. It fills in the fields that are the same in every query.
func (r *Router) send(q Query, fx *Effects) {
	q.Version = r.cfg.Version
	q.Robustness, q.QueryInterval = r.inUse.Robustness, r.inUse.QueryInterval
	r.kept.Counters.Sent.countQuery(&q)
	fx.Queries = append(fx.Queries, q)
}

// heardQuery handles another router's query: the election (section 7.6.2), and the timers
// that a specific query lowers (section 7.6.1). Only the elected querier lowers timers
// and sets variables. But hosts answer the queries of every router, so even a query that
// is not followed may bring partial answers.
func (r *Router) heardQuery(now instant.Time, from netip.Addr, q *Query, fx *Effects) {
	r.checkVersion(now, from, q, fx)
	follows, elected := r.follows(q), r.isElected(from)
	switch {
	case !follows:
		r.noteForeign(now, from)
		if elected && !r.kept.Querier.Duty { // displays show which router is the querier
			r.noteElected(now, from)
		}
	case elected:
		r.noteVariables(q)
		r.noteElected(now, from)
		r.watchAnswers(now, q)
	}
	gid := r.store.findGroup(q.Group)
	if q.General() || gid == 0 {
		return
	}
	if len(q.Sources) > 0 {
		r.expectPartialAnswers(gid, now.Add(max(min(q.MaxResponse, r.cfg.MaxResponse), r.inUse.LastListenerQueryTime())))
	}
	// Answers may reach the peer only. Then this router does not learn who still listens,
	// so it does not lower any timer.
	if !follows || !elected || q.Version == 2 && q.Suppress || r.missesAnswers() {
		return
	}
	r.lowerExpiry(now, gid, q)
}

func (r *Router) noteElected(now instant.Time, from netip.Addr) {
	r.setOther(from)
	r.kept.Querier.OtherUntil = now.Add(r.inUse.OtherQuerierPresentInterval())
}

// checkVersion reports a router whose queries are of another MLD version than the
// configured one. This is a configuration fault that only an operator can correct
// (section 8.3.1).
func (r *Router) checkVersion(now instant.Time, from netip.Addr, q *Query, fx *Effects) {
	if q.Version == r.cfg.Version {
		return
	}
	r.kept.Counters.Received.OtherVersion++
	if now >= r.kept.Querier.QuietUntil {
		r.kept.Querier.QuietUntil = now.Add(r.cfg.QueryInterval)
		fx.OtherVersion = append(fx.OtherVersion, OtherVersion{From: from, Version: q.Version})
	}
}

// noteVariables records the variables that a query of the elected querier carries. In a
// general query the response time is the query response interval, in the others it is the
// last listener query interval.
func (r *Router) noteVariables(q *Query) {
	d := &r.kept.Querier.Dictated
	d.Robustness, d.Interval = q.Robustness, q.QueryInterval
	if q.General() {
		d.Response = q.MaxResponse
	} else {
		d.LastListener = q.MaxResponse
	}
}

// isElected reports whether the sender of a query wins the election: the router with the
// lowest address does.
func (r *Router) isElected(from netip.Addr) bool {
	switch q := &r.kept.Querier; {
	case q.Other.IsValid():
		return !q.Other.Less(from)
	case q.Duty && r.kept.LinkLocal.IsValid():
		return from.Less(r.kept.LinkLocal)
	}
	return true
}

// setOther sets which other router is the querier; the zero Addr for none.
func (r *Router) setOther(a netip.Addr) {
	r.kept.Querier.Other = a
	if !a.IsValid() {
		r.kept.Querier.Dictated = Dictated{}
	}
	r.adoptVariables()
}

// adoptVariables uses the elected querier's variables in place of the configured ones
// (sections 9.1, 9.2, 9.3 and 9.8). A variable that the querier gives as 0 stays as
// configured. The robustness and the last listener query time are never lowered, because
// hosts need that time to answer, whichever router queries.
func (r *Router) adoptVariables() {
	d := &r.kept.Querier.Dictated
	r.inUse = r.cfg.with(d.Robustness, d.Interval, d.Response)
	r.inUse.LastListenerInterval = max(r.cfg.LastListenerInterval, min(d.LastListener, r.cfg.MaxResponse))
}

// with returns the configuration with a querier's variables, where they are not 0.
func (c Config) with(robustness int, interval, response time.Duration) Config {
	c.Robustness = max(c.Robustness, robustness)
	if interval > 0 {
		c.QueryInterval = interval
	}
	if response > 0 {
		c.MaxResponse = response
	}
	return c
}

// lowerExpiry lowers the expiry of the records that a specific query asks about to the
// last listener query time (section 7.6.1). A group specific query asks about records in
// EXCLUDE mode. A group-and-source specific query asks about INCLUDE records that list
// only sources of the query.
//
// The records keep at least the time in which hosts answer this query, however long that
// is.
func (r *Router) lowerExpiry(now instant.Time, gid uint32, q *Query) {
	asked := q.Sources
	at := now.Add(max(r.inUse.LastListenerQueryTime(), time.Duration(r.inUse.Robustness)*q.MaxResponse))
	r.scratch[0] = appendSources(r.scratch[0][:0], asked)
	for id, rec := range r.store.listeners(r.store.groups.At(gid)) {
		f := r.store.filter(id)
		concerned := f.Mode == Exclude
		if len(asked) > 0 {
			concerned = f.Mode == Include && contains(r.scratch[0], f.Sources)
		}
		if concerned && rec.expires > at {
			r.store.setExpiry(id, at, now)
		}
	}
}

// contains reports whether the sorted list contains all elements of the other.
func contains(list, other []netip.Addr) bool {
	for _, a := range other {
		if _, found := slices.BinarySearchFunc(list, a, netip.Addr.Compare); !found {
			return false
		}
	}
	return true
}

// advanceQuerier makes this router the querier if the other querier has been silent too
// long, and sends the general query that is due.
func (r *Router) advanceQuerier(now instant.Time, fx *Effects) {
	if q := &r.kept.Querier; q.Other.IsValid() && now >= q.OtherUntil {
		r.setOther(netip.Addr{})
		q.Next, q.Startup = now, 0
	}
	r.checkAnswers(now, fx)
	if q := &r.kept.Querier; q.ForeignUntil.IsDue(now) {
		q.Foreign, q.ForeignUntil = netip.Addr{}, instant.Never
	}
	r.sendDueGeneralQuery(now, fx)
}

func (r *Router) querierDeadline() instant.Time {
	q := &r.kept.Querier
	switch {
	case q.Other.IsValid():
		return instant.Earliest(q.OtherUntil, q.ForeignUntil, q.CheckAt)
	case r.IsQuerier():
		return instant.Earliest(q.Next, q.ForeignUntil)
	}
	return q.ForeignUntil
}
