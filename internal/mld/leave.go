package mld

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// Leaving is a group about which hosts are being asked before it, or some of its
// sources, stop being sent (RFC 9777, section 7.6.3).
type Leaving struct {
	Group   Asking
	Sources []SourceAsking // sorted
	Anew    bool           // all of it is to be asked, and to linger, from the beginning
}

// SourceAsking is one source that hosts are being asked about.
type SourceAsking struct {
	Source netip.Addr
	Asking
}

// Asking is one question: how often it will still be put, when next, and when its
// subject stops lingering.
type Asking struct {
	Left        int
	Next, Until instant.Time // Never when nothing is asked
}

// leaving is a pending leave, with its alarm.
type leaving struct {
	Leaving
	alarm instant.Time // the earliest that matters in r.leaves
}

func (a Asking) active(now instant.Time) bool { return now < a.Until }

// due returns when something has to be done.
func (a Asking) due() instant.Time {
	if a.Left > 0 {
		return instant.Earliest(a.Next, a.Until)
	}
	return a.Until
}

// until is when the last of what is asked for stops lingering.
func (l *leaving) until() instant.Time {
	until := l.Group.Until
	for _, s := range l.Sources {
		until = max(until, s.Until)
	}
	return until
}

// maxQuerySources keeps a query with its headers within 1280 bytes.
const maxQuerySources = (1280 - 40 - 8 - queryHeaderSize) / addrSize

// lost returns the part of a filter that no listener wants, after the host that
// had the filter has changed its record.
func (r *Router) lost(gid uint32, old Filter) Filter {
	g := r.store.groups.At(gid)
	static := r.named(g.addr, r.staticFilter(g.addr))
	switch {
	case static.Mode == Exclude:
		return Filter{}
	case old.Mode == Exclude && r.store.excluding(g) == 0:
		return old
	}
	var lost []netip.Addr
	if old.Mode == Include {
		for _, a := range old.Sources {
			if !r.listened(g, a) {
				lost = append(lost, a)
			}
		}
		return Filter{Include, lost}
	}
	// Others are in EXCLUDE mode: only sources that all of them list can be lost.
	for _, c := range g.sources {
		if old.wants(c.addr) && !r.listened(g, c.addr) {
			lost = append(lost, c.addr)
		}
	}
	return Filter{Include, lost}
}

// doubtful returns the part of what has been lost that hosts are to be asked
// about: not what prompt-leave drops at once, nor what is not sent anyway.
func (r *Router) doubtful(group netip.Addr, lost Filter) Filter {
	drops := func(a netip.Addr) bool { return r.cfg.prompts(group, a) || !r.cfg.permits(group, a) }
	switch {
	case !r.cfg.PromptLeave && r.cfg.GroupPolicy == nil:
		return lost
	case lost.Mode == Exclude && (r.cfg.prompts(group, anySource) || !r.permitsOpen(group)):
		return Filter{}
	case lost.Mode == Exclude:
		return lost
	}
	return Filter{Include, slices.DeleteFunc(slices.Clone(lost.Sources), drops)}
}

// linger keeps what has been lost on for the last listener query time, as the
// record of host ::, and asks for it.
func (r *Router) linger(now instant.Time, v Version, gid uint32, lost Filter, fl flags, fx *Effects) {
	g := r.store.groups.At(gid)
	key := Key{g.addr, netip.IPv6Unspecified()}
	until := now.Add(r.inUse.LastListenerQueryTime())
	id := g.linger
	if id != 0 {
		rec := r.store.records.At(id)
		fl |= rec.flags & isV1
		// It becomes ours; what the peer put there keeps its own end.
		r.question(now, gid, r.store.filter(id), rec.expires, false, fx)
	} else {
		id = r.store.create(now, key, until)
	}
	whole := r.store.filter(id).Union(lost)
	changed := r.store.set(now, id, content{Filter: whole, flags: fl, clock: v.Clock, heard: now, expires: until})
	fx.Changed = append(fx.Changed, key)
	if changed {
		fx.Groups = append(fx.Groups, key.Group)
	}
	r.question(now, gid, lost, until, true, fx)
}

// takeUp asks about what another router has left unasked, or unanswered. If too little is
// left of its time for one answer to be lost, all begins anew at the next Advance.
func (r *Router) takeUp(now instant.Time, gid uint32, fx *Effects) {
	if g := r.store.groups.At(gid); !r.runsOut(now, g) {
		r.question(now, gid, r.store.filter(g.linger), r.store.records.At(g.linger).expires, true, fx)
		return
	}
	r.askAnew(now, gid)
}

// runsOut reports whether too little is left of the time of a leave for one answer to be lost.
func (r *Router) runsOut(now instant.Time, g *group) bool {
	return r.store.records.At(g.linger).expires.Sub(now) <= r.inUse.LastListenerQueryTime()-r.inUse.LastListenerInterval/10
}

// askAnew has a leave in progress begin anew at the next Advance.
func (r *Router) askAnew(now instant.Time, gid uint32) {
	g := r.store.groups.At(gid)
	if g.leave == nil {
		g.leave = &leaving{}
	}
	g.leave.Anew = true
	r.schedule(now, gid)
}

// lingerAnew begins a leave in progress from the beginning, as if it had been heard now.
func (r *Router) lingerAnew(now instant.Time, v Version, gid uint32, fx *Effects) {
	g := r.store.groups.At(gid)
	g.leave.Anew = false
	if g.linger == 0 || !r.store.records.At(g.linger).live() || !r.IsQuerier() {
		r.schedule(now, gid)
		return
	}
	until, f, fl := now.Add(r.inUse.LastListenerQueryTime()), r.store.filter(g.linger), r.store.records.At(g.linger).flags&isV1
	if fl != 0 {
		r.lowerV1(now, gid, v, until)
	}
	r.store.set(now, g.linger, content{Filter: f, flags: fl, clock: v.Clock, heard: now, expires: until})
	fx.Changed = append(fx.Changed, Key{g.addr, netip.IPv6Unspecified()})
	r.question(now, gid, f, until, true, fx)
}

// question starts the specific queries about a filter. again restarts those that
// are already under way.
func (r *Router) question(now instant.Time, gid uint32, f Filter, until instant.Time, again bool, fx *Effects) {
	g := r.store.groups.At(gid)
	if g.leave == nil {
		g.leave = &leaving{}
	}
	a := Asking{Left: r.inUse.Robustness, Next: now, Until: until}
	if f.Mode == Exclude {
		if again || !g.leave.Group.active(now) {
			g.leave.Group = a
		}
	} else {
		r.expectPartial(gid, until)
		for _, s := range f.Sources {
			g.leave.start(now, s, a, again)
		}
	}
	r.leaveStep(now, gid, fx)
}

func (l *leaving) start(now instant.Time, source netip.Addr, a Asking, again bool) {
	i, found := slices.BinarySearchFunc(l.Sources, source, func(s SourceAsking, a netip.Addr) int { return s.Source.Compare(a) })
	switch {
	case !found:
		l.Sources = slices.Insert(l.Sources, i, SourceAsking{source, a})
	case again || !l.Sources[i].active(now):
		l.Sources[i].Asking = a
	}
}

// leaveStep sends the queries of a leaving group that are due, forgets what has
// lapsed and sets the next alarm. It reports whether anything lapsed.
func (r *Router) leaveStep(now instant.Time, gid uint32, fx *Effects) (lapsed bool) {
	g := r.store.groups.At(gid)
	l := g.leave
	if l.Group.take(now, r.inUse.LastListenerInterval) && r.IsQuerier() {
		r.send(Query{MaxResponse: r.inUse.LastListenerInterval, Group: g.addr, Suppress: r.outlives(now, g, excludes)}, fx)
	}
	r.askSources(now, g, fx)
	before := len(l.Sources)
	l.Sources = slices.DeleteFunc(l.Sources, func(s SourceAsking) bool { return !s.active(now) })
	lapsed = len(l.Sources) < before
	if l.Group.Until.IsDue(now) {
		l.Group, lapsed = Asking{}, true
	}
	r.schedule(now, gid)
	return lapsed
}

// take reports whether a query is due and counts it as sent.
func (a *Asking) take(now instant.Time, interval time.Duration) bool {
	if a.Left == 0 || now < a.Next {
		return false
	}
	a.Left--
	a.Next = now.Add(interval)
	return true
}

// askSources sends group-and-source specific queries: with the S flag for sources
// that somebody is known to want again, without it for the others (section 7.6.3.2).
func (r *Router) askSources(now instant.Time, g *group, fx *Effects) {
	var wanted, unknown []netip.Addr
	for i := range g.leave.Sources {
		s := &g.leave.Sources[i]
		switch {
		case !s.take(now, r.inUse.LastListenerInterval):
		case r.listened(g, s.Source) && r.outlives(now, g, func(f Filter) bool { return f.wants(s.Source) }):
			wanted = append(wanted, s.Source)
		default:
			unknown = append(unknown, s.Source)
		}
	}
	// MLDv1 cannot ask for sources.
	if !r.IsQuerier() || r.cfg.Version == 1 {
		return
	}
	r.sendSources(g.addr, wanted, true, fx)
	r.sendSources(g.addr, unknown, false, fx)
}

func (r *Router) sendSources(group netip.Addr, sources []netip.Addr, suppress bool, fx *Effects) {
	for part := range slices.Chunk(sources, maxQuerySources) {
		r.send(Query{MaxResponse: r.inUse.LastListenerInterval, Group: group, Suppress: suppress, Sources: part}, fx)
	}
}

// outlives reports whether a host with such a filter is known beyond the last
// listener query time, which sets the S flag (sections 7.6.3.1 and 7.6.3.2).
func (r *Router) outlives(now instant.Time, g *group, such func(Filter) bool) bool {
	for id, rec := range r.store.listeners(g) {
		if (rec.expires > now.Add(r.inUse.LastListenerQueryTime()) || r.isHeld(rec)) && such(r.store.filter(id)) {
			return true
		}
	}
	return false
}

func excludes(f Filter) bool { return f.Mode == Exclude }

// schedule sets the alarm of a leaving group, or ends the leaving.
func (r *Router) schedule(now instant.Time, gid uint32) {
	g := r.store.groups.At(gid)
	l := g.leave
	at := instant.Never
	if l.Anew {
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

// advanceLeaves does what is due for leaving groups. An alarm may have outlived
// its group; the id may even name another group by now, which then is looked at
// in vain.
func (r *Router) advanceLeaves(now instant.Time, v Version, fx *Effects) {
	for gid, at, ok := r.leaves.Pop(now); ok; gid, at, ok = r.leaves.Pop(now) {
		g := r.store.groups.At(gid)
		if g.leave == nil || g.leave.alarm != at {
			continue
		}
		g.leave.alarm = instant.Never
		if g.leave.Anew {
			r.lingerAnew(now, v, gid, fx)
		} else if r.leaveStep(now, gid, fx) {
			r.trim(now, v, gid, fx)
		}
	}
}

// trim takes lapsed sources out of the record of host ::, if it is ours and some
// of it still lingers. When all has lapsed the record expires by itself.
func (r *Router) trim(now instant.Time, v Version, gid uint32, fx *Effects) {
	g := r.store.groups.At(gid)
	if g.linger == 0 || g.leave == nil {
		return
	}
	rec := r.store.records.At(g.linger)
	if rec.device != 0 || rec.expires <= now || !rec.live() {
		return
	}
	rest := Filter{Mode: Include}
	for _, s := range g.leave.Sources {
		rest.Sources = append(rest.Sources, s.Source)
	}
	if g.leave.Group.active(now) {
		rest = r.store.filter(g.linger)
	}
	c := content{Filter: rest, flags: rec.flags & isV1, clock: v.Clock, heard: rec.heard, expires: rec.expires}
	if rest.Equal(r.store.filter(g.linger)) {
		return
	}
	if r.store.set(now, g.linger, c) {
		fx.Groups = append(fx.Groups, g.addr)
	}
	fx.Changed = append(fx.Changed, Key{g.addr, netip.IPv6Unspecified()})
}

// done takes an MLDv1 done (RFC 2710, section 4). In compatibility mode hosts
// suppress each other's reports, so who else listens is unknown: everything learnt
// from MLDv1 reports is lowered to the last listener query time and the group
// asked for. Otherwise it is the leave of a tracked host.
func (r *Router) done(now instant.Time, v Version, from, addr netip.Addr, fx *Effects) {
	if !Routable(addr) {
		r.kept.Counters.Drops.Count(DropLinkScope)
		return
	}
	gid := r.store.findGroup(addr)
	if gid == 0 || r.store.groups.At(gid).live == 0 {
		return
	}
	if r.cfg.prompts(addr, anySource) || now >= r.store.groups.At(gid).v1Until {
		r.report(now, v, from, GroupRecord{Type: ChangeToInclude, Group: addr}, 0, fx)
		return
	}
	if r.unheard() && !r.kept.Querier.Duty {
		// The peer asks, not we, and cannot be told. Let the group's time run out.
		r.kept.Counters.Drops.Count(DropDone)
		return
	}
	if id := r.store.findRecord(gid, r.store.findHost(from)); id != 0 && r.store.records.At(id).flags&isV1 == 0 {
		// What the host said while it spoke version 2 ends with it.
		r.report(now, v, from, GroupRecord{Type: ChangeToInclude, Group: addr}, 0, fx)
	}
	r.lowerV1(now, gid, v, now.Add(r.inUse.LastListenerQueryTime()))
	r.linger(now, v, gid, Filter{Mode: Exclude}, isV1, fx)
}

// lowerV1 brings the MLDv1 records of a group that are older than v down to an expiry.
func (r *Router) lowerV1(now instant.Time, gid uint32, v Version, at instant.Time) {
	for id, rec := range r.store.listeners(r.store.groups.At(gid)) {
		if rec.flags&isV1 != 0 && rec.expires > at && v.newer(r.store.version(rec)) {
			r.store.setExpiry(id, at, now)
		}
	}
}
