package mld

import (
	"cmp"
	"net/netip"
	"slices"

	"tandem/internal/instant"
)

// ProxyMemory is the state of a Proxy, for its successor. A new Proxy that resumes from
// it goes on in place of the old one: it does not report again what the old one has
// reported, and sends the repetitions that the old one had scheduled.
type ProxyMemory struct {
	Kept    ProxyKept
	Groups  []MembershipMemory
	Unsent  []netip.Addr // groups whose last change has not been sent yet, in the order of sending; a group may occur twice
	Repeats []Repetition
}

// ProxyKept is the state of a Proxy outside the groups.
type ProxyKept struct {
	LinkLocal     netip.Addr
	Up            bool
	V1Until       instant.Time // when the older version querier present timer ends (section 8.2.1)
	ChangesSentAt instant.Time // when changes were sent last
	GeneralAt     instant.Time // when the answer to a general query is due
	Counters      Counters
}

// MembershipMemory is one group that a Proxy has joined or is leaving.
type MembershipMemory struct {
	Group     netip.Addr
	Filter    Filter       // the wanted filter
	Announced bool         // the proxy has sent a report in which the group is wanted
	Change    *StateChange // nil if there is nothing to report
}

// Repetition is a batch of groups whose changes are sent again together.
type Repetition struct {
	At     instant.Time
	Groups []netip.Addr
}

// Memory returns the state of the proxy.
func (p *Proxy) Memory() ProxyMemory {
	m := ProxyMemory{Kept: p.kept, Repeats: p.repeatsMemory()}
	for _, g := range p.memberships() {
		gm := MembershipMemory{Group: g.addr, Filter: p.want(g), Announced: g.announced}
		if g.pending != nil {
			change := g.pending.StateChange
			change.Sources, change.Asked = slices.Clone(change.Sources), slices.Clone(change.Asked)
			gm.Change = &change
		}
		m.Groups = append(m.Groups, gm)
	}
	for _, id := range p.unsent {
		if g := p.groups.At(id); g.unsent {
			m.Unsent = append(m.Unsent, g.addr)
		}
	}
	return m
}

// repeatsMemory returns the repetitions, sorted by time, without groups that no longer
// exist.
func (p *Proxy) repeatsMemory() (list []Repetition) {
	type batch struct {
		at instant.Time
		id uint32
	}
	var due []batch
	for at, id := range p.repeats.due.All() {
		due = append(due, batch{at, id})
	}
	slices.SortFunc(due, func(a, b batch) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	for _, b := range due {
		r := Repetition{At: b.at}
		for _, id := range p.repeats.batches[b.id] {
			if g := p.groups.At(id); g.pending != nil && g.pending.Repeat == b.at {
				r.Groups = append(r.Groups, g.addr)
			}
		}
		if len(r.Groups) > 0 {
			list = append(list, r)
		}
	}
	return list
}

// Resume gives a new Proxy the state of another one. After that, the caller has to call
// Want for all groups.
func (p *Proxy) Resume(now instant.Time, m ProxyMemory) {
	p.now = max(p.now, now)
	p.kept = m.Kept
	for i := range m.Groups {
		p.resumeMembership(&m.Groups[i])
	}
	for _, group := range m.Unsent {
		id := p.find(group)
		if id == 0 {
			continue
		}
		p.unsent = append(p.unsent, id)
		if g := p.groups.At(id); !g.unsent {
			g.unsent = true
			p.unsentCount++
		}
	}
	for _, r := range m.Repeats {
		for _, group := range r.Groups {
			p.repeats.add(p.find(group))
		}
		p.repeats.end(r.At)
	}
}

func (p *Proxy) resumeMembership(m *MembershipMemory) {
	g := membership{addr: m.Group, mode: m.Filter.Mode, list: p.lists.acquire(m.Filter.Sources), announced: m.Announced}
	if m.Change != nil {
		g.pending = &pendingReport{StateChange: *m.Change}
	}
	id := p.groups.Insert(g)
	if !m.Filter.Empty() {
		p.joined++
	}
	if m.Change != nil && m.Change.Answer.IsSet() {
		p.answers.Push(m.Change.Answer, id)
	}
}
