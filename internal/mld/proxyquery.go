package mld

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// maxAsked bounds the sources of queries that are kept for the answer. If there are more,
// the answer holds all sources of the group.
const maxAsked = 1024

// heardQuery schedules the answer to a received query, at a random time within the
// response interval (RFC 9777, section 6.2).
func (p *Proxy) heardQuery(now instant.Time, q *Query) {
	if q.Version == 1 {
		if p.version(now) != 1 {
			p.cancel()
		}
		// This computes the older version querier present timeout (section 9.12).
		timing := p.cfg
		timing.MaxResponse = max(timing.MaxResponse, q.MaxResponse)
		p.kept.V1Until = now.Add(timing.ListeningInterval())
	}
	switch {
	case !q.General():
		p.heardSpecificQuery(now, q)
	case p.version(now) == 1:
		// In MLDv1 each group has an answer of its own, so that the answers of other
		// hosts can suppress it.
		for id, m := range p.memberships() {
			p.scheduleAnswer(id, m, now.Add(p.delay(q)))
		}
	default:
		p.kept.GeneralAt = instant.Earliest(p.kept.GeneralAt, now.Add(p.delay(q)))
	}
}

// delay draws the delay of an answer.
func (p *Proxy) delay(q *Query) time.Duration {
	return 1 + time.Duration(p.rng.Int64N(int64(max(q.MaxResponse, 1))))
}

// heardSpecificQuery schedules the answer to a specific query (section 6.2, rules 1 and 3
// to 5).
func (p *Proxy) heardSpecificQuery(now instant.Time, q *Query) {
	id := p.find(q.Group)
	if id == 0 {
		return
	}
	m, at := p.groups.At(id), now.Add(p.delay(q))
	if p.kept.GeneralAt.IsDue(at) {
		return
	}
	t := m.ensurePending()
	switch {
	case !t.Answer.IsSet():
		t.Asked = appendSources(nil, q.Sources)
		if len(q.Sources) > 0 && len(t.Asked) == 0 {
			p.discardIdle(id, m)
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
	p.scheduleAnswer(id, m, at)
}

// scheduleAnswer schedules a group's answer, unless an earlier one is scheduled.
func (p *Proxy) scheduleAnswer(id uint32, m *membership, at instant.Time) {
	t := m.ensurePending()
	if m.wanted() && !t.Answer.IsDue(at) {
		t.Answer = at
		p.answers.Push(at, id)
	}
	p.discardIdle(id, m)
}

// suppress cancels the answer to an MLDv1 query when another host has answered it (RFC
// 2710, section 4).
func (p *Proxy) suppress(now instant.Time, group netip.Addr) {
	if p.version(now) != 1 {
		return
	}
	if id := p.find(group); id != 0 {
		m := p.groups.At(id)
		if t := m.pending; t != nil {
			t.Answer, t.Asked = instant.Never, nil
		}
		p.discardIdle(id, m)
	}
}

// sendAnswers sends the answers that are due.
func (p *Proxy) sendAnswers(now instant.Time) {
	if p.kept.GeneralAt.IsDue(now) {
		p.kept.GeneralAt = instant.Never
		for _, m := range p.memberships() {
			p.sendCurrentState(m, nil)
		}
	}
	for id, at, ok := p.answers.Pop(now); ok; id, at, ok = p.answers.Pop(now) {
		m := p.groups.At(id)
		t := m.pending
		if t == nil || t.Answer != at {
			continue
		}
		asked := t.Asked
		t.Answer, t.Asked = instant.Never, nil
		if p.version(now) == 1 {
			if m.wanted() {
				p.sendReportV1(m)
			}
		} else {
			p.sendCurrentState(m, asked)
		}
		p.discardIdle(id, m)
	}
}

// sendCurrentState adds the current-state record of a group to the report. If asked is
// empty, the record holds the whole filter, otherwise those sources in asked that are
// wanted.
func (p *Proxy) sendCurrentState(m *membership, asked []netip.Addr) {
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
