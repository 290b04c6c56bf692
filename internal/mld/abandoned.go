package mld

import (
	"net/netip"
	"slices"
)

// abandoned returns the part of a host's old filter that no listener wants any more.
// The host's record has its new filter already.
func (r *Router) abandoned(gid uint32, old Filter) Filter {
	g := r.store.groups.At(gid)
	static := r.mapSources(g.addr, r.staticFilter(g.addr))
	switch {
	case static.Mode == Exclude:
		return Filter{}
	case old.Mode == Exclude && r.store.excluding(g) == 0:
		return old
	}
	var lost []netip.Addr
	if old.Mode == Include {
		for _, a := range old.Sources {
			if !r.isListenedTo(g, a) {
				lost = append(lost, a)
			}
		}
		return Filter{Include, lost}
	}
	// Hosts in EXCLUDE mode remain. They want every source that is not in all of their
	// lists, so only sources that all of them list can be abandoned.
	for _, c := range g.sources {
		if old.wants(c.addr) && !r.isListenedTo(g, c.addr) {
			lost = append(lost, c.addr)
		}
	}
	return Filter{Include, lost}
}

// toAskAbout returns the part of an abandoned filter that hosts have to be asked about.
// It leaves out the sources whose streams prompt leave ends at once, and those that the
// group policy denies.
func (r *Router) toAskAbout(group netip.Addr, lost Filter) Filter {
	drops := func(a netip.Addr) bool { return r.cfg.leavesPromptly(group, a) || !r.cfg.permits(group, a) }
	switch {
	case !r.cfg.PromptLeave && r.cfg.GroupPolicy == nil:
		return lost
	case lost.Mode == Exclude && (r.cfg.leavesPromptly(group, anySource) || !r.permitsOpen(group)):
		return Filter{}
	case lost.Mode == Exclude:
		return lost
	}
	return Filter{Include, slices.DeleteFunc(slices.Clone(lost.Sources), drops)}
}

// leaveShare is the part of the bounds on entries that pending leaves may take: one fourth.
const leaveShare = 4

// hasRoomToAsk reports whether the bound on entries leaves room for a pending leave.
// Without this limit, one host that joins and leaves all the time would fill the bound
// with pending leaves. If there is no room, the stream ends at once, but not for a host
// that still reports that it listens.
func (r *Router) hasRoomToAsk(gid uint32, lost Filter) bool {
	s, c := &r.store, &r.cfg
	left := len(s.filter(s.groups.At(gid).leaveRecord).Sources) + len(lost.Sources)
	all := int(s.held(s.findHost(netip.IPv6Unspecified())).items) + 1 + len(lost.Sources)
	if (c.MaxEntries == 0 || all <= c.MaxEntries/leaveShare) && (c.MaxGroupSources == 0 || left <= c.MaxGroupSources/leaveShare) {
		return true
	}
	r.kept.Counters.Activity.Unasked++
	return false
}

// askBeside sends one query for a group when prompt leave has ended some of its streams
// at once. Anybody can send a leave in the name of a host that listens. That host answers
// the query, so its streams come back soon.
func (r *Router) askBeside(gid uint32, gone Filter, fx *Effects) {
	if !r.cfg.PromptLeave || gone.Empty() || !r.IsQuerier() {
		return
	}
	group := r.store.groups.At(gid).addr
	prompt := slices.ContainsFunc(gone.Sources, func(a netip.Addr) bool { return r.cfg.leavesPromptly(group, a) })
	if gone.Mode == Exclude {
		prompt = r.cfg.leavesPromptly(group, anySource)
	}
	if prompt {
		r.send(Query{MaxResponse: r.inUse.LastListenerInterval, Group: group}, fx)
	}
}
