package mld

import (
	"cmp"
	"net/netip"
	"slices"

	"tandem/internal/instant"
)

// ProxyMemory is what a Proxy knows. A new Proxy that is given it goes on in the place of
// the old one: what that one has told the routers is not told again, and what it was to repeat
// is repeated.
type ProxyMemory struct {
	Kept    ProxyKept
	Groups  []MembershipMemory
	Fresh   []netip.Addr // groups whose last change has not been told once, in the order of telling; may repeat
	Repeats []Repetition
}

// ProxyKept is what a Proxy knows beside the groups.
type ProxyKept struct {
	LinkLocal netip.Addr
	Up        bool
	V1Until   instant.Time // when the older version querier present timer ends (section 8.2.1)
	ToldAt    instant.Time // when changes were told last
	GeneralAt instant.Time // when the answer to a general query is due
	Counters  Counters
}

// MembershipMemory is one group that a Proxy has joined or is leaving.
type MembershipMemory struct {
	Group     netip.Addr
	Filter    Filter       // what is wanted of it
	Announced bool         // a report has told the routers that the group is wanted
	Change    *StateChange // nil when there is nothing to tell
}

// Repetition is groups whose changes are to be told again together.
type Repetition struct {
	At     instant.Time
	Groups []netip.Addr
}

// Memory returns what a successor needs.
func (p *Proxy) Memory() ProxyMemory {
	m := ProxyMemory{Kept: p.kept, Repeats: p.repeatsMemory()}
	for _, g := range p.memberships() {
		gm := MembershipMemory{Group: g.addr, Filter: p.want(g), Announced: g.announced}
		if g.telling != nil {
			change := g.telling.StateChange
			change.Sources, change.Asked = slices.Clone(change.Sources), slices.Clone(change.Asked)
			gm.Change = &change
		}
		m.Groups = append(m.Groups, gm)
	}
	for _, id := range p.fresh {
		if g := p.groups.At(id); g.fresh {
			m.Fresh = append(m.Fresh, g.addr)
		}
	}
	return m
}

// repeatsMemory lists the repetitions by their time, without groups that have gone.
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
			if g := p.groups.At(id); g.telling != nil && g.telling.Repeat == b.at {
				r.Groups = append(r.Groups, g.addr)
			}
		}
		if len(r.Groups) > 0 {
			list = append(list, r)
		}
	}
	return list
}

// Resume makes a new Proxy go on as the one whose memory it is given. What is wanted now
// is to be told with Want for all groups.
func (p *Proxy) Resume(now instant.Time, m ProxyMemory) {
	p.now = max(p.now, now)
	p.kept = m.Kept
	for i := range m.Groups {
		p.resumeMembership(&m.Groups[i])
	}
	for _, group := range m.Fresh {
		id := p.find(group)
		if id == 0 {
			continue
		}
		p.fresh = append(p.fresh, id)
		if g := p.groups.At(id); !g.fresh {
			g.fresh = true
			p.pending++
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
	g := membership{addr: m.Group, mode: m.Filter.Mode, list: p.lists.hold(m.Filter.Sources), announced: m.Announced}
	if m.Change != nil {
		g.telling = &telling{StateChange: *m.Change}
	}
	id := p.groups.Insert(g)
	if !m.Filter.Empty() {
		p.joined++
	}
	if m.Change != nil && m.Change.Answer.IsSet() {
		p.answers.Push(m.Change.Answer, id)
	}
}
