package mld

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// PendingLeave is the schedule of the last listener queries of one group. A daemon hands
// its fields over to its successor.
type PendingLeave struct {
	Group   QuerySchedule    // queries for the group without named sources
	Sources []SourceSchedule // queries for single sources, sorted by source
	Restart bool             // state restart: the whole leave begins again at the next Advance
}

// SourceSchedule is the schedule of the queries for one source.
type SourceSchedule struct {
	Source netip.Addr
	QuerySchedule
}

// QuerySchedule is the schedule of one query and its repetitions.
type QuerySchedule struct {
	Left  int          // how many times the query is still to be sent
	Next  instant.Time // when the query is sent next; Never without a pending leave
	Until instant.Time // when the last listener query time is over; Never without a pending leave
}

// pendingLeave is a PendingLeave with its alarm.
type pendingLeave struct {
	PendingLeave
	alarm instant.Time // the instant of this group's valid entry in Router.leaves; older entries are ignored
}

// active reports whether the last listener query time still runs.
func (a QuerySchedule) active(now instant.Time) bool { return now < a.Until }

// due returns when the next query is to be sent, or the last listener query time ends.
func (a QuerySchedule) due() instant.Time {
	if a.Left > 0 {
		return instant.Earliest(a.Next, a.Until)
	}
	return a.Until
}

// takeDue reports whether a query is due. If it is, it counts as sent.
func (a *QuerySchedule) takeDue(now instant.Time, interval time.Duration) bool {
	if a.Left == 0 || now < a.Next {
		return false
	}
	a.Left--
	a.Next = now.Add(interval)
	return true
}

// until returns when the last listener query time of the whole group is over.
func (l *pendingLeave) until() instant.Time {
	until := l.Group.Until
	for _, s := range l.Sources {
		until = max(until, s.Until)
	}
	return until
}

// startQueries starts the queries for all that a filter wants; they end with the last
// listener query time, at until. Queries that already run are started again only if again
// is set.
func (r *Router) startQueries(now instant.Time, gid uint32, f Filter, until instant.Time, again bool, fx *Effects) {
	g := r.store.groups.At(gid)
	if g.leave == nil {
		g.leave = &pendingLeave{}
	}
	a := QuerySchedule{Left: r.inUse.Robustness, Next: now, Until: until}
	if f.Mode == Exclude {
		if again || !g.leave.Group.active(now) {
			g.leave.Group = a
		}
	} else {
		r.expectPartialAnswers(gid, until)
		for _, s := range f.Sources {
			g.leave.start(now, s, a, again)
		}
	}
	r.advanceLeave(now, gid, fx)
}

// start starts the queries for one source.
func (l *pendingLeave) start(now instant.Time, source netip.Addr, a QuerySchedule, again bool) {
	i, found := slices.BinarySearchFunc(l.Sources, source, func(s SourceSchedule, a netip.Addr) int { return s.Source.Compare(a) })
	switch {
	case !found:
		l.Sources = slices.Insert(l.Sources, i, SourceSchedule{source, a})
	case again || !l.Sources[i].active(now):
		l.Sources[i].QuerySchedule = a
	}
}

// scheduleLeave sets the alarm of a group with a pending leave. It forgets the schedule
// when nothing is left to do.
func (r *Router) scheduleLeave(now instant.Time, gid uint32) {
	g := r.store.groups.At(gid)
	l := g.leave
	at := instant.Never
	if l.Restart {
		at = now
	} else if l.Group.active(now) {
		at = l.Group.due()
	}
	for _, s := range l.Sources {
		at = instant.Earliest(at, s.due())
	}
	switch {
	case !at.IsSet():
		g.leave = nil
	case at != l.alarm:
		l.alarm = at
		r.leaves.Push(at, gid)
	}
}

// advanceLeaves advances all pending leaves that are due. The group of an alarm may no
// longer exist, and another group may have its id. Then the group's own alarm has another
// time, and nothing is done.
func (r *Router) advanceLeaves(now instant.Time, v Version, fx *Effects) {
	for gid, at, ok := r.leaves.Pop(now); ok; gid, at, ok = r.leaves.Pop(now) {
		g := r.store.groups.At(gid)
		if g.leave == nil || g.leave.alarm != at {
			continue
		}
		g.leave.alarm = instant.Never
		if g.leave.Restart {
			r.restartLeave(now, v, gid, fx)
		} else if r.advanceLeave(now, gid, fx) {
			r.trimLeaveRecord(now, v, gid, fx)
		}
	}
}

// advanceLeave sends the queries of a group that are due, and forgets the sources whose
// last listener query time is over. It reports whether there were such sources.
func (r *Router) advanceLeave(now instant.Time, gid uint32, fx *Effects) (lapsed bool) {
	g := r.store.groups.At(gid)
	l := g.leave
	if l.Group.takeDue(now, r.inUse.LastListenerInterval) && r.IsQuerier() {
		r.send(Query{MaxResponse: r.inUse.LastListenerInterval, Group: g.addr, Suppress: r.hasLastingListener(now, g, excludes)}, fx)
	}
	r.askSources(now, g, fx)
	before := len(l.Sources)
	l.Sources = slices.DeleteFunc(l.Sources, func(s SourceSchedule) bool { return !s.active(now) })
	lapsed = len(l.Sources) < before
	if l.Group.Until.IsDue(now) {
		l.Group, lapsed = QuerySchedule{}, true
	}
	r.scheduleLeave(now, gid)
	return lapsed
}

// maxQuerySources bounds the sources of one query, so that it fits into 1280 bytes with
// its headers.
const maxQuerySources = (1280 - 40 - 8 - queryHeaderSize) / addrSize

// askSources sends the group-and-source specific queries of a group that are due. The
// S flag is set for sources that have another listener, and clear for the others
// (RFC 9777, section 7.6.3.2).
func (r *Router) askSources(now instant.Time, g *group, fx *Effects) {
	var wanted, unknown []netip.Addr
	for i := range g.leave.Sources {
		s := &g.leave.Sources[i]
		switch {
		case !s.takeDue(now, r.inUse.LastListenerInterval):
		case r.isListenedTo(g, s.Source) && r.hasLastingListener(now, g, func(f Filter) bool { return f.wants(s.Source) }):
			wanted = append(wanted, s.Source)
		default:
			unknown = append(unknown, s.Source)
		}
	}
	// MLDv1 has no queries for single sources.
	if !r.IsQuerier() || r.cfg.Version == 1 {
		return
	}
	r.sendSources(g.addr, wanted, true, fx)
	r.sendSources(g.addr, unknown, false, fx)
}

// sendSources sends group-and-source specific queries, as many as the sources need.
func (r *Router) sendSources(group netip.Addr, sources []netip.Addr, suppress bool, fx *Effects) {
	for part := range slices.Chunk(sources, maxQuerySources) {
		r.send(Query{MaxResponse: r.inUse.LastListenerInterval, Group: group, Suppress: suppress, Sources: part}, fx)
	}
}

// maxLooked bounds the hosts that hasLastingListener examines, so that a leave costs the
// same in a group of any size.
const maxLooked = 64

// hasLastingListener reports whether a known host has a filter for which such is true,
// and more time left than the last listener query time. Then the query gets the S flag
// (RFC 9777, sections 7.6.3.1 and 7.6.3.2). It examines only the first hosts and reports
// false if none of them is one. Then the query goes out without the flag and other
// routers lower their timers, too, which does no harm.
func (r *Router) hasLastingListener(now instant.Time, g *group, such func(Filter) bool) bool {
	looked := 0
	for id, rec := range r.store.listeners(g) {
		if (rec.expires > now.Add(r.inUse.LastListenerQueryTime()) || r.isRetained(rec)) && such(r.store.filter(id)) {
			return true
		}
		if looked++; looked == maxLooked {
			break
		}
	}
	return false
}

// excludes reports whether a filter is in EXCLUDE mode: it wants the group from any
// source.
func excludes(f Filter) bool { return f.Mode == Exclude }
