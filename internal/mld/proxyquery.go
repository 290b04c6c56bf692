package mld

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// maxAsked bounds the sources remembered of specific queries; beyond it the answer
// tells everything.
const maxAsked = 1024

// heardQuery arranges the answer at a random time within the response interval
// (RFC 9777, section 6.2).
func (p *Proxy) heardQuery(now instant.Time, q *Query) {
	if q.Version == 1 {
		if p.version(now) != 1 {
			p.cancel()
		}
		// The older version querier present timeout (section 9.12).
		timing := p.cfg
		timing.MaxResponse = max(timing.MaxResponse, q.MaxResponse)
		p.kept.V1Until = now.Add(timing.ListeningInterval())
	}
	switch {
	case !q.General():
		p.askedFor(now, q)
	case p.version(now) == 1:
		// MLDv1 answers group by group, so that others can be suppressed.
		for id, m := range p.memberships() {
			p.answerBy(id, m, now.Add(p.delay(q)))
		}
	default:
		p.kept.GeneralAt = instant.Earliest(p.kept.GeneralAt, now.Add(p.delay(q)))
	}
}

// delay draws how long to wait with an answer.
func (p *Proxy) delay(q *Query) time.Duration {
	return 1 + time.Duration(p.rng.Int64N(int64(max(q.MaxResponse, 1))))
}

// askedFor arranges the answer to a specific query, rules 1 and 3 to 5 of section 6.2.
func (p *Proxy) askedFor(now instant.Time, q *Query) {
	id := p.find(q.Group)
	if id == 0 {
		return
	}
	m, at := p.groups.At(id), now.Add(p.delay(q))
	if p.kept.GeneralAt.IsDue(at) {
		return
	}
	t := m.tells()
	switch {
	case !t.Answer.IsSet():
		t.Asked = appendSources(nil, q.Sources)
		if len(q.Sources) > 0 && len(t.Asked) == 0 {
			p.tidy(id, m)
			return
		}
	case len(q.Sources) == 0 || len(t.Asked) == 0:
		t.Asked = nil
	default:
		p.scratch[0] = appendSources(p.scratch[0][:0], q.Sources)
		t.Asked = appendUnion(nil, t.Asked, p.scratch[0])
	}
	if len(t.Asked) > maxAsked {
		t.Asked = nil
	}
	p.answerBy(id, m, at)
}

// answerBy sets the alarm of a group's answer unless an earlier one is set.
func (p *Proxy) answerBy(id uint32, m *membership, at instant.Time) {
	t := m.tells()
	if m.wanted() && !t.Answer.IsDue(at) {
		t.Answer = at
		p.answers.Push(at, id)
	}
	p.tidy(id, m)
}

// suppress drops an MLDv1 answer that another host has given (RFC 2710, section 4).
func (p *Proxy) suppress(now instant.Time, group netip.Addr) {
	if p.version(now) != 1 {
		return
	}
	if id := p.find(group); id != 0 {
		m := p.groups.At(id)
		if t := m.telling; t != nil {
			t.Answer, t.Asked = instant.Never, nil
		}
		p.tidy(id, m)
	}
}

// answer sends the answers that are due.
func (p *Proxy) answer(now instant.Time) {
	if p.kept.GeneralAt.IsDue(now) {
		p.kept.GeneralAt = instant.Never
		for _, m := range p.memberships() {
			p.tellState(m, nil)
		}
	}
	for id, at, ok := p.answers.Pop(now); ok; id, at, ok = p.answers.Pop(now) {
		m := p.groups.At(id)
		t := m.telling
		if t == nil || t.Answer != at {
			continue
		}
		asked := t.Asked
		t.Answer, t.Asked = instant.Never, nil
		if p.version(now) == 1 {
			if m.wanted() {
				p.sendV1(m)
			}
		} else {
			p.tellState(m, asked)
		}
		p.tidy(id, m)
	}
}

// tellState adds the current-state record of a group: all of it, or what it says
// about the sources asked for.
func (p *Proxy) tellState(m *membership, asked []netip.Addr) {
	want := p.want(m)
	switch {
	case want.Empty():
	case len(asked) > 0:
		wanted := slices.DeleteFunc(asked, func(a netip.Addr) bool { return !want.wants(a) })
		if len(wanted) > 0 {
			p.packer.add(ModeIsInclude, m.addr, wanted)
		}
	case want.Mode == Exclude:
		p.packer.add(ModeIsExclude, m.addr, want.Sources)
	default:
		p.packer.add(ModeIsInclude, m.addr, want.Sources)
	}
}
