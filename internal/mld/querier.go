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
	Duty bool // the router is to query, if it is elected
	// Other is the elected querier when it is another router, believed until OtherUntil.
	Other      netip.Addr
	OtherUntil instant.Time
	// Next is when the next general query is due while this router is querier.
	Next     instant.Time
	AskedAt  instant.Time // the last of them
	Startup  int          // general queries still to be sent at the startup interval
	Dictated Dictated
	// QuietUntil limits how often a query of another version is reported.
	QuietUntil instant.Time
}

// Dictated are the variables of the other querier, 0 where it names none.
type Dictated struct {
	Robustness                       int
	Interval, Response, LastListener time.Duration
}

// IsQuerier reports whether this router sends the queries now.
func (r *Router) IsQuerier() bool {
	return r.kept.Querier.Duty && r.kept.Up && r.kept.LinkLocal.IsValid() && !r.kept.Querier.Other.IsValid()
}

// restart begins the querier's life anew after its link or duty has changed.
func (r *Router) restart(now instant.Time, fx *Effects) {
	q := &r.kept.Querier
	if q.Duty && q.Other.IsValid() && r.kept.LinkLocal.IsValid() && r.kept.LinkLocal.Less(q.Other) {
		r.setOther(netip.Addr{})
	}
	q.Startup, q.Next = r.cfg.Robustness, now
	r.ask(now, fx)
	r.takeUpLeaves(now, fx)
}

// takeUpLeaves asks for what is being left: a querier that has gone may have left
// its questions unasked, or unanswered.
func (r *Router) takeUpLeaves(now instant.Time, fx *Effects) {
	if !r.IsQuerier() {
		return
	}
	for gid := range r.store.lingering() {
		if id := r.store.groups.At(gid).linger; r.store.records.At(id).live() {
			r.takeUp(now, gid, fx)
		}
	}
}

// AskAnew begins the general queries anew where this router is the querier, for the
// switches and hosts around that may have taken another one for it, unless it has just begun.
func (r *Router) AskAnew(now instant.Time, fx *Effects) {
	if q := &r.kept.Querier; now != q.AskedAt || q.Startup != r.cfg.Robustness-1 {
		r.restart(now, fx)
	}
}

// ask sends the general query if it is due.
func (r *Router) ask(now instant.Time, fx *Effects) {
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

// send fills in what every query carries.
func (r *Router) send(q Query, fx *Effects) {
	q.Version = r.cfg.Version
	q.Robustness, q.QueryInterval = r.inUse.Robustness, r.inUse.QueryInterval
	r.kept.Counters.Sent.countQuery(&q)
	fx.Queries = append(fx.Queries, q)
}

// heardQuery takes another router's query: the election, and the timers that the
// querier lowers (section 7.6.1). Only the elected querier is obeyed, but hosts
// answer whoever asks.
func (r *Router) heardQuery(now instant.Time, from netip.Addr, q *Query, fx *Effects) {
	r.checkVersion(now, from, q, fx)
	elected := r.elects(from)
	if elected {
		r.obey(q)
		r.setOther(from)
		r.kept.Querier.OtherUntil = now.Add(r.inUse.OtherQuerierPresentInterval())
	}
	gid := r.store.findGroup(q.Group)
	if q.General() || gid == 0 {
		return
	}
	if len(q.Sources) > 0 {
		r.expectPartial(gid, now.Add(max(q.MaxResponse, r.inUse.LastListenerQueryTime())))
	}
	// What hosts answer the peer does not reach us.
	if !elected || q.Version == 2 && q.Suppress || r.unheard() {
		return
	}
	r.lower(now, gid, q.Sources)
}

// checkVersion reports a querier of another version than this router is set to,
// which only the operators can put right (section 8.3.1).
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

// obey notes the variables that a query of the elected querier carries. How long
// hosts may wait with their answer depends on the kind of query.
func (r *Router) obey(q *Query) {
	d := &r.kept.Querier.Dictated
	d.Robustness, d.Interval = q.Robustness, q.QueryInterval
	if q.General() {
		d.Response = q.MaxResponse
	} else {
		d.LastListener = q.MaxResponse
	}
}

// elects reports whether a query from this address comes from the rightful
// querier: a lower address than the one believed in wins.
func (r *Router) elects(from netip.Addr) bool {
	switch q := &r.kept.Querier; {
	case q.Other.IsValid():
		return !q.Other.Less(from)
	case q.Duty && r.kept.LinkLocal.IsValid():
		return from.Less(r.kept.LinkLocal)
	}
	return true
}

// setOther makes another router the querier, or none.
func (r *Router) setOther(a netip.Addr) {
	r.kept.Querier.Other = a
	if !a.IsValid() {
		r.kept.Querier.Dictated = Dictated{}
	}
	r.adopt()
}

// adopt takes over the elected querier's variables (sections 9.1, 9.2, 9.3 and
// 9.8). A querier that says 0 leaves it to the configuration.
func (r *Router) adopt() {
	r.inUse = r.cfg
	d := r.kept.Querier.Dictated
	if d.Robustness > 0 {
		r.inUse.Robustness = d.Robustness
	}
	adopt := func(mine *time.Duration, said time.Duration) {
		if said > 0 {
			*mine = said
		}
	}
	adopt(&r.inUse.QueryInterval, d.Interval)
	adopt(&r.inUse.MaxResponse, d.Response)
	adopt(&r.inUse.LastListenerInterval, d.LastListener)
}

// lower brings the records that a specific query asks about down to the last
// listener query time: those in EXCLUDE mode for a group, those that list no
// other source than the ones asked for otherwise.
func (r *Router) lower(now instant.Time, gid uint32, asked []netip.Addr) {
	at := now.Add(r.inUse.LastListenerQueryTime())
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

// contains reports whether the sorted list has every element of the other.
func contains(list, other []netip.Addr) bool {
	for _, a := range other {
		if _, found := slices.BinarySearchFunc(list, a, netip.Addr.Compare); !found {
			return false
		}
	}
	return true
}

// advanceQuerier takes over from a silent querier and sends general queries.
func (r *Router) advanceQuerier(now instant.Time, fx *Effects) {
	if q := &r.kept.Querier; q.Other.IsValid() && now >= q.OtherUntil {
		r.setOther(netip.Addr{})
		q.Next, q.Startup = now, 0
	}
	r.ask(now, fx)
}

func (r *Router) querierDeadline() instant.Time {
	switch q := &r.kept.Querier; {
	case q.Other.IsValid():
		return q.OtherUntil
	case r.IsQuerier():
		return q.Next
	}
	return instant.Never
}
