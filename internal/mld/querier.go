package mld

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// querier is the state of the election (RFC 9777, section 7.6.2) and of the
// general queries (sections 7.1, 9.6 and 9.7).
type querier struct {
	duty bool
	// other is the elected querier when it is another router, believed until otherUntil.
	other      netip.Addr
	otherUntil instant.Time
	// next is when the next general query is due while this router is querier.
	next     instant.Time
	askedAt  instant.Time // the last of them
	startup  int          // general queries still to be sent at the startup interval
	dictated dictated
	// quietUntil limits how often a query of another version is reported.
	quietUntil instant.Time
}

// dictated are the variables of the other querier, 0 where it names none.
type dictated struct {
	robustness                       int
	interval, response, lastListener time.Duration
}

// IsQuerier reports whether this router sends the queries now.
func (r *Router) IsQuerier() bool {
	return r.querier.duty && r.up && r.linkLocal.IsValid() && !r.querier.other.IsValid()
}

// restart begins the querier's life anew after its link or duty has changed.
func (r *Router) restart(now instant.Time, fx *Effects) {
	q := &r.querier
	if q.duty && q.other.IsValid() && r.linkLocal.IsValid() && r.linkLocal.Less(q.other) {
		r.setOther(netip.Addr{})
	}
	q.startup, q.next = r.cfg.Robustness, now
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
	if q := &r.querier; now != q.askedAt || q.startup != r.cfg.Robustness-1 {
		r.restart(now, fx)
	}
}

// ask sends the general query if it is due.
func (r *Router) ask(now instant.Time, fx *Effects) {
	q := &r.querier
	if !r.IsQuerier() || now < q.next {
		return
	}
	r.send(Query{MaxResponse: r.inUse.MaxResponse, Group: netip.IPv6Unspecified()}, fx)
	q.askedAt, q.next = now, now.Add(r.inUse.QueryInterval)
	if q.startup > 0 {
		if q.startup--; q.startup > 0 {
			q.next = now.Add(r.inUse.StartupQueryInterval())
		}
	}
}

// send fills in what every query carries.
func (r *Router) send(q Query, fx *Effects) {
	q.Version = r.cfg.Version
	q.Robustness, q.QueryInterval = r.inUse.Robustness, r.inUse.QueryInterval
	r.counters.Sent.countQuery(&q)
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
		r.querier.otherUntil = now.Add(r.inUse.OtherQuerierPresentInterval())
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
	r.counters.Received.OtherVersion++
	if now >= r.querier.quietUntil {
		r.querier.quietUntil = now.Add(r.cfg.QueryInterval)
		fx.OtherVersion = append(fx.OtherVersion, OtherVersion{From: from, Version: q.Version})
	}
}

// obey notes the variables that a query of the elected querier carries. How long
// hosts may wait with their answer depends on the kind of query.
func (r *Router) obey(q *Query) {
	d := &r.querier.dictated
	d.robustness, d.interval = q.Robustness, q.QueryInterval
	if q.General() {
		d.response = q.MaxResponse
	} else {
		d.lastListener = q.MaxResponse
	}
}

// elects reports whether a query from this address comes from the rightful
// querier: a lower address than the one believed in wins.
func (r *Router) elects(from netip.Addr) bool {
	switch q := &r.querier; {
	case q.other.IsValid():
		return !q.other.Less(from)
	case q.duty && r.linkLocal.IsValid():
		return from.Less(r.linkLocal)
	}
	return true
}

// setOther makes another router the querier, or none.
func (r *Router) setOther(a netip.Addr) {
	r.querier.other = a
	if !a.IsValid() {
		r.querier.dictated = dictated{}
	}
	r.adopt()
}

// adopt takes over the elected querier's variables (sections 9.1, 9.2, 9.3 and
// 9.8). A querier that says 0 leaves it to the configuration.
func (r *Router) adopt() {
	r.inUse = r.cfg
	d := r.querier.dictated
	if d.robustness > 0 {
		r.inUse.Robustness = d.robustness
	}
	adopt := func(mine *time.Duration, said time.Duration) {
		if said > 0 {
			*mine = said
		}
	}
	adopt(&r.inUse.QueryInterval, d.interval)
	adopt(&r.inUse.MaxResponse, d.response)
	adopt(&r.inUse.LastListenerInterval, d.lastListener)
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
	if q := &r.querier; q.other.IsValid() && now >= q.otherUntil {
		r.setOther(netip.Addr{})
		q.next, q.startup = now, 0
	}
	r.ask(now, fx)
}

func (r *Router) querierDeadline() instant.Time {
	switch q := &r.querier; {
	case q.other.IsValid():
		return q.otherUntil
	case r.IsQuerier():
		return q.next
	}
	return instant.Never
}
