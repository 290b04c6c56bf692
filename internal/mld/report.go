package mld

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// report applies one group record of a host (RFC 9777, section 7.4), or an MLDv1
// report, which says EXCLUDE{} (section 8.3.2).
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
	if !permitted || next.Empty() && old.Empty() && !r.kept.Apart {
		return // refused, or nobody leaves twice
	}
	if cause, refused := r.exceeds(gr.Group, id, old, next); refused {
		r.kept.Counters.Drops.Count(cause)
		return
	}
	// While apart, whoever tells of a change may have left by way of the peer meanwhile.
	// And the peer may be about to drop whoever answers for an MLDv1 group that is left.
	again := r.kept.Apart && (fl&isV1 != 0 || gr.Type == ChangeToExclude || gr.Type == AllowNewSources) ||
		fl&isV1 != 0 && gid != 0 && r.store.groups.At(gid).linger != 0
	r.update(now, v, key, at, old, next, fl, again, fx)
	if fl&isV1 != 0 {
		g := r.store.groups.At(r.store.findGroup(gr.Group))
		g.v1Until = max(g.v1Until, now.Add(r.inUse.ListeningInterval()))
	}
}

func (r *Router) skips(gr GroupRecord) (DropCause, bool) {
	switch {
	case gr.Type < ModeIsInclude || gr.Type > BlockOldSources:
		return DropRecordType, true
	case !Routable(gr.Group):
		return DropLinkScope, true
	}
	return 0, false
}

// apply returns what a host wants after a group record. The sources of the result
// may lie in scratch memory. partial says that an IS_IN or TO_IN may not be the
// whole truth.
func (r *Router) apply(gr GroupRecord, old Filter, partial bool) Filter {
	r.scratch[0] = appendSources(r.scratch[0][:0], gr.Sources)
	told := r.scratch[0]
	switch gr.Type {
	case ModeIsExclude, ChangeToExclude:
		return Filter{Exclude, told}
	case ModeIsInclude, ChangeToInclude:
		if !partial {
			return Filter{Include, told}
		}
		return r.edit(old, told, old.Mode == Include)
	case AllowNewSources:
		return r.edit(old, told, old.Mode == Include)
	}
	return r.edit(old, told, old.Mode == Exclude)
}

// edit adds sources to the list of a filter or takes them off it.
func (r *Router) edit(f Filter, sources []netip.Addr, add bool) Filter {
	if add {
		r.scratch[1] = appendUnion(r.scratch[1][:0], f.Sources, sources)
	} else {
		r.scratch[1] = appendMinus(r.scratch[1][:0], f.Sources, sources)
	}
	return Filter{f.Mode, r.scratch[1]}
}

// mayBePartial reports whether an IS_IN may answer a group-and-source specific
// query, in which case it names only sources that were asked for (section 6.3)
// and must not replace what is known. While the peer cannot be heard of, it may be
// asking such questions, whose answers come here.
func (r *Router) mayBePartial(now instant.Time, gid uint32) bool {
	return r.unheard() || gid != 0 && now < r.store.groups.At(gid).partialUntil
}

// splitWindow is how long the parts of one answer may be apart.
const splitWindow = 500 * time.Millisecond

// mayContinue reports whether a record may be the next part of a source list that
// did not fit into one (section 5.2.15). Only types that carry a whole INCLUDE
// list matter: the lists of EXCLUDE types are cut, the others are differences.
func (r *Router) mayContinue(now instant.Time, id uint32, gr GroupRecord) bool {
	return (gr.Type == ModeIsInclude || gr.Type == ChangeToInclude) && len(gr.Sources) > 0 &&
		id != 0 && r.store.filter(id).Mode == Include && now.Sub(r.store.records.At(id).heard) < splitWindow
}

// expectPartial notes that sources of a group are being asked for until a time.
func (r *Router) expectPartial(gid uint32, until instant.Time) {
	g := r.store.groups.At(gid)
	// The answer to the last query may take as long as the query allows.
	g.partialUntil = max(g.partialUntil, until.Add(r.inUse.LastListenerInterval))
}

// update writes what a host wants now and lets what it dropped linger. A host joins
// when it wants more, when it has moved here from the peer, which drops it if it
// cannot be told, or again, as far as the peer can know.
func (r *Router) update(now instant.Time, v Version, key Key, at place, old, next Filter, fl flags, again bool, fx *Effects) {
	if next.Empty() {
		next, fl = Filter{}, isDeleted
	}
	joined := !covers(old, next) || !next.Empty() && at.record != 0 && (again || r.store.records.At(at.record).device != 0)
	// The list that old refers to may be freed by the write; lists never change.
	id, changed := r.write(now, v, key, at, next, fl)
	rec := r.store.records.At(id)
	gid := rec.group
	if rec.live() {
		r.store.setReporter(r.store.groups.At(gid), rec.host)
	}
	r.kept.Counters.Activity.count(old, next)
	if asks := !r.cfg.PromptLeave || r.cfg.PromptPolicy != nil; asks && !covers(next, old) {
		if lost := r.doubtful(key.Group, r.lost(gid, old)); !lost.Empty() {
			// Ahead of the host's record, so that the peer never sees the group bare.
			r.linger(now, v, gid, lost, 0, fx)
		}
	}
	fx.Changed = append(fx.Changed, key)
	if joined {
		fx.Joined = append(fx.Joined, Joined{Handle(id), v})
	}
	if changed {
		fx.Groups = append(fx.Groups, key.Group)
	}
}

// write gives the record at a place its content and a full listening interval.
func (r *Router) write(now instant.Time, v Version, key Key, at place, f Filter, fl flags) (id uint32, changed bool) {
	expires := now.Add(r.inUse.ListeningInterval())
	if id = at.record; id == 0 {
		id = r.store.createAt(now, key, at, expires)
	}
	return id, r.store.set(now, id, content{Filter: f, flags: fl, clock: v.Clock, heard: now, expires: expires})
}

// covers reports whether next wants everything that old wants, as far as that can
// be told from the two alone.
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
