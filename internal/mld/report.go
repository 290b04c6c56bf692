package mld

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// report applies one group record of a host (RFC 9777, section 7.4). The caller passes an
// MLDv1 report as EXCLUDE{} with fl isV1 (section 8.3.2).
func (r *Router) report(now instant.Time, v Version, from netip.Addr, gr GroupRecord, fl flags, fx *Effects) {
	if cause, skip := r.skips(gr); skip {
		r.kept.Counters.Drops.Count(cause)
		return
	}
	key := Key{gr.Group, from}
	at := r.store.place(key)
	gid, id := at.group, at.record
	old := r.store.filter(id)
	if gid != 0 && fl&isV1 == 0 && now < r.store.groups.At(gid).v1Until {
		switch gr.Type {
		case BlockOldSources:
			r.kept.Counters.Drops.Count(DropCompat)
			return
		case ChangeToExclude:
			gr.Sources = nil
		}
	}
	next := r.apply(gr, old, gr.Type == ModeIsInclude && r.mayBePartial(now, gid) || r.mayContinue(now, id, gr))
	next, permitted := r.admit(gr.Group, next)
	if !permitted && fl&isV1 != 0 && !old.Empty() {
		// A router or host on the link has sent an MLDv1 query, so this host has to use
		// MLDv1 and cannot name sources. It still wants the sources that it has named
		// before and that the policy permits.
		next, permitted, fl = old, true, fl&^isV1
	}
	if !permitted || next.Empty() && old.Empty() && !r.kept.Partitioned {
		return // the policy denies the group record, or the host has left already
	}
	if cause, refused := r.exceeds(gr.Group, at, old, next); refused {
		r.refuse(now, cause, from)
		return
	}
	// While the channel is down (partitioned), the peer may have received a leave of this
	// host after this router received its last report. And when an MLDv1 group has a
	// pending leave, the peer ends the host's record if it does not learn of this report.
	again := r.kept.Partitioned && (fl&isV1 != 0 || gr.Type == ChangeToExclude || gr.Type == AllowNewSources) ||
		fl&isV1 != 0 && gid != 0 && r.store.groups.At(gid).leaveRecord != 0
	r.update(now, v, hostChange{key, at, old, next, fl, again}, fx)
	if fl&isV1 != 0 {
		g := r.store.groups.At(r.store.findGroup(gr.Group))
		g.v1Until = max(g.v1Until, now.Add(r.ListeningInterval()))
	}
}

// skips reports whether a group record is not applied, and why.
func (r *Router) skips(gr GroupRecord) (DropCause, bool) {
	switch {
	case gr.Type < ModeIsInclude || gr.Type > BlockOldSources:
		return DropRecordType, true
	case !Routable(gr.Group):
		return DropLinkScope, true
	}
	return 0, false
}

// apply returns the filter of a host after a group record. The returned sources may lie
// in scratch memory. partial says that an IS_IN or TO_IN may name only a part of the
// sources that the host wants.
func (r *Router) apply(gr GroupRecord, old Filter, partial bool) Filter {
	r.scratch[0] = appendSources(r.scratch[0][:0], gr.Sources)
	named := r.scratch[0]
	switch gr.Type {
	case ModeIsExclude, ChangeToExclude:
		return Filter{Exclude, named}
	case ModeIsInclude, ChangeToInclude:
		if !partial {
			return Filter{Include, named}
		}
		return r.editSources(old, named, old.Mode == Include)
	case AllowNewSources:
		return r.editSources(old, named, old.Mode == Include)
	}
	return r.editSources(old, named, old.Mode == Exclude)
}

// editSources adds sources to the list of a filter, or removes them from it.
func (r *Router) editSources(f Filter, sources []netip.Addr, add bool) Filter {
	if add {
		r.scratch[1] = appendUnion(r.scratch[1][:0], f.Sources, sources)
	} else {
		r.scratch[1] = appendMinus(r.scratch[1][:0], f.Sources, sources)
	}
	return Filter{f.Mode, r.scratch[1]}
}

// mayBePartial reports whether an IS_IN may be the answer to a group-and-source specific
// query. Such an answer names only sources that the query asked about (section 6.3), so
// it must not replace the known list. While the channel to the peer is down, the peer may
// send such queries, and this router receives the answers.
func (r *Router) mayBePartial(now instant.Time, gid uint32) bool {
	return r.missesAnswers() || gid != 0 && now < r.store.groups.At(gid).partialUntil
}

// splitWindow is the longest time between two parts of one answer.
const splitWindow = 500 * time.Millisecond

// mayContinue reports whether a group record may be the next part of a source list that
// did not fit into one (section 5.2.15). Hosts split only the types that carry a whole
// INCLUDE list. They cut the lists of EXCLUDE types, and the other types carry
// differences.
func (r *Router) mayContinue(now instant.Time, id uint32, gr GroupRecord) bool {
	return (gr.Type == ModeIsInclude || gr.Type == ChangeToInclude) && len(gr.Sources) > 0 &&
		id != 0 && r.store.filter(id).Mode == Include && now.Sub(r.store.records.At(id).heard) < splitWindow
}

// expectPartialAnswers records that some router sends group-and-source specific queries
// of a group until an instant.
func (r *Router) expectPartialAnswers(gid uint32, until instant.Time) {
	g := r.store.groups.At(gid)
	// Hosts may delay the answer to the last query by the response time in that query.
	g.partialUntil = max(g.partialUntil, until.Add(r.inUse.LastListenerInterval))
}

// hostChange is the effect of a group record on the record of its host.
type hostChange struct {
	key   Key
	at    place  // where the host's record is
	old   Filter // what the host wanted before
	next  Filter // what it wants now
	flags flags  // isV1 for an MLDv1 report
	// again says that the peer may believe that the host has left. Then the host counts
	// as one that joins.
	again bool
}

// update writes what a host wants now, and begins a pending leave of what no listener
// wants any more. The host counts as one that joins when it wants more than before. It
// also counts so when the peer was the last to receive a report of it: the peer has to
// learn that this device receives them now, or it lets its record end.
func (r *Router) update(now instant.Time, v Version, c hostChange, fx *Effects) {
	old, next, fl := c.old, c.next, c.flags
	if next.Empty() {
		next, fl = Filter{}, isDeleted
	}
	joined := !covers(old, next) || !next.Empty() && c.at.record != 0 && (c.again || r.store.records.At(c.at.record).device != 0)
	// The write may release the list of old. The list stays readable, because lists never
	// change.
	id, changed := r.write(now, v, c.key, c.at, next, fl)
	rec := r.store.records.At(id)
	gid := rec.group
	if rec.live() {
		r.store.setReporter(r.store.groups.At(gid), rec.host)
	}
	r.kept.Counters.Activity.count(old, next)
	if !covers(next, old) {
		gone := r.abandoned(gid, old)
		if lost := r.toAskAbout(c.key.Group, gone); !lost.Empty() && r.hasRoomToAsk(gid, lost) {
			// The leave record goes to the peer first, so that the peer always has a
			// record for the group.
			r.beginLeave(now, v, gid, lost, 0, fx)
		}
		r.askBeside(gid, gone, fx)
	}
	fx.Changed = append(fx.Changed, c.key)
	if joined {
		fx.Joined = append(fx.Joined, Joined{Handle(id), v})
	}
	if changed {
		fx.Groups = append(fx.Groups, c.key.Group)
	}
}

// write writes the record at a place, and sets its expiry to a full listening interval
// from now.
func (r *Router) write(now instant.Time, v Version, key Key, at place, f Filter, fl flags) (id uint32, changed bool) {
	expires := now.Add(r.ListeningInterval())
	if id = at.record; id == 0 {
		id = r.store.createAt(now, key, at, expires)
	}
	return id, r.store.set(now, id, content{Filter: f, flags: fl, clock: v.Clock, heard: now, expires: expires})
}

// covers reports whether next wants everything that old wants. Both have finite lists, so
// an INCLUDE filter never covers an EXCLUDE one.
func covers(next, old Filter) bool {
	switch {
	case next.Mode == Exclude && old.Mode == Exclude:
		return contains(old.Sources, next.Sources)
	case next.Mode == Include && old.Mode == Include:
		return contains(next.Sources, old.Sources)
	case next.Mode == Include:
		return false
	}
	return !slices.ContainsFunc(old.Sources, func(a netip.Addr) bool { return !next.wants(a) })
}
