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
	// Others are in EXCLUDE mode. So only sources that all of them list can be abandoned.
	for _, c := range g.sources {
		if old.wants(c.addr) && !r.isListenedTo(g, c.addr) {
			lost = append(lost, c.addr)
		}
	}
	return Filter{Include, lost}
}

// toAskAbout returns the part of an abandoned filter that hosts have to be asked about.
// It leaves out what prompt leave ends at once, and what the group policy keeps from
// being sent.
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

// hasRoomToAsk reports whether a pending leave can begin. One host that joins and leaves all
// the time would else fill the bounds with what it has left. If there is no room, the stream
// ends at once. Hosts that have reported that they listen keep it.
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

// askBeside asks once about a group of which prompt leave has ended something at once. Anybody
// can send a leave in the name of a host that listens. That host answers with all that it
// wants of the group, and has it again soon.
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
