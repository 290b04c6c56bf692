package mld

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// noteChange records that a group's filter has changed from old (section 6.1). The
// difference has to be sent as many times as the robustness variable says.
func (p *Proxy) noteChange(id uint32, m *membership, old Filter) {
	if !m.wanted() && !m.announced {
		// No report has named the group, so no report has to say that the group is no
		// longer wanted.
		if t := m.pending; t != nil {
			t.Mode, t.Sources, t.Repeat = 0, nil, instant.Never
		}
		p.markSent(m)
		p.discardIdle(id, m)
		return
	}
	times := max(p.cfg.Robustness, 1)
	t, want := m.ensurePending(), p.want(m)
	if want.Mode != old.Mode {
		t.Mode, t.Sources = times, nil
	} else {
		p.scratch[0] = appendMinus(p.scratch[0][:0], want.Sources, old.Sources)
		p.scratch[0] = appendMinus(p.scratch[0], old.Sources, want.Sources)
		for _, a := range p.scratch[0] {
			t.addSource(a, times)
		}
	}
	if !m.unsent && (m.changing() || !m.wanted()) {
		m.unsent = true
		p.unsentCount++
		p.unsent = append(p.unsent, id)
	}
}

// addSource adds a source whose change is to be sent the given number of times.
func (t *pendingReport) addSource(a netip.Addr, times int) {
	if t.Sources == nil {
		t.Sources = t.first[:0]
	}
	i, found := slices.BinarySearchFunc(t.Sources, a, func(c SourceChange, a netip.Addr) int { return c.Source.Compare(a) })
	if !found {
		t.Sources = slices.Insert(t.Sources, i, SourceChange{Source: a})
	}
	t.Sources[i].Left = times
}

// markSent records that the last change of a group has been sent, or need not be sent.
func (p *Proxy) markSent(m *membership) {
	if m.unsent {
		m.unsent = false
		p.unsentCount--
	}
}

const (
	// changePause is the shortest time between two reports of changes. It makes changes
	// that follow each other fast share a report. A change that comes later than that is
	// sent at once.
	changePause = time.Millisecond
	// manyGroups is how many groups fill a report. If so many groups have changed, the
	// report does not wait for changePause.
	manyGroups = 32
)

// nextChangeAt returns when changes may be sent next, Never if they may be sent now.
func (p *Proxy) nextChangeAt() instant.Time {
	if len(p.unsent) < manyGroups && p.kept.ChangesSentAt.IsSet() {
		return p.kept.ChangesSentAt.Add(changePause)
	}
	return instant.Never
}

// Advance sends all that is due: state changes, their repetitions, and answers to queries.
// It packs them into as few reports as an MTU of 1280 bytes allows.
func (p *Proxy) Advance(now instant.Time, fx *Effects) {
	p.now = max(p.now, now)
	if !p.canSend() {
		return
	}
	p.packer = packer{buf: p.packer.buf[:0], fx: fx, sent: &p.kept.Counters.Sent}
	again := now.Add(1 + time.Duration(p.rng.Int64N(int64(unsolicitedReportInterval))))
	if len(p.unsent) > 0 && now >= p.nextChangeAt() {
		p.sendUnsent(now, again)
	}
	for at, groups := p.repeats.pop(now); len(groups) > 0; at, groups = p.repeats.pop(now) {
		for _, id := range groups {
			if m := p.groups.At(id); m.pending != nil && m.pending.Repeat == at {
				m.pending.Repeat = instant.Never
				p.sendChange(now, id, m, again)
			}
		}
	}
	p.repeats.end(again)
	p.packer.flush()
	p.sendAnswers(now)
	p.packer.flush()
	p.packer.fx = nil
}

// sendUnsent sends the changes that have not been sent yet. They are repeated for the
// first time at the instant again.
func (p *Proxy) sendUnsent(now, again instant.Time) {
	p.kept.ChangesSentAt = now
	for _, id := range p.unsent {
		if m := p.groups.At(id); m.unsent {
			p.markSent(m)
			p.sendChange(now, id, m, again)
		}
	}
	if p.unsent = p.unsent[:0]; cap(p.unsent) > keptGroups {
		p.unsent = nil
	}
}

// sendChange sends the changes of one group. If they have to be repeated, it schedules
// that.
func (p *Proxy) sendChange(now instant.Time, id uint32, m *membership, again instant.Time) {
	if p.version(now) == 1 {
		p.sendChangeV1(m)
	} else {
		p.sendChangeV2(m)
	}
	m.announced = m.announced || m.wanted()
	if m.changing() {
		m.pending.Repeat = again
		p.repeats.add(id)
	}
	p.discardIdle(id, m)
}

// sendChangeV2 adds the state-change records of one group to the report. A change of the
// mode carries the whole list, so changes of the list then need no record.
func (p *Proxy) sendChangeV2(m *membership) {
	t, want := m.pending, p.want(m)
	if t == nil {
		return
	}
	allow, block := p.scratch[0][:0], p.scratch[1][:0]
	kept := t.Sources[:0]
	for _, c := range t.Sources {
		if want.wants(c.Source) {
			allow = append(allow, c.Source)
		} else {
			block = append(block, c.Source)
		}
		if c.Left--; c.Left > 0 {
			kept = append(kept, c)
		}
	}
	t.Sources = kept
	p.scratch[0], p.scratch[1] = allow, block
	if t.Mode > 0 {
		t.Mode--
		change := ChangeToInclude
		if want.Mode == Exclude {
			change = ChangeToExclude
		}
		p.packer.add(change, m.addr, want.Sources)
		return
	}
	if len(allow) > 0 {
		p.packer.add(AllowNewSources, m.addr, allow)
	}
	if len(block) > 0 {
		p.packer.add(BlockOldSources, m.addr, block)
	}
}

// sendChangeV1 sends an MLDv1 Report or Done. MLDv1 has no sources: a group is wanted or not.
func (p *Proxy) sendChangeV1(m *membership) {
	t := m.pending
	switch {
	case !m.wanted():
		if t != nil {
			t.Mode, t.Sources = 0, nil
		}
		p.kept.Counters.Sent.Dones++
		p.packer.fx.report(AllRouters, AppendDone(nil, m.addr))
	case m.changing():
		t.Mode, t.Sources = max(t.Mode, t.leftOfSources())-1, nil
		p.sendReportV1(m)
	}
}

func (t *pendingReport) leftOfSources() (left int) {
	for _, c := range t.Sources {
		left = max(left, c.Left)
	}
	return left
}

func (p *Proxy) sendReportV1(m *membership) {
	p.kept.Counters.Sent.ReportsV1++
	p.packer.fx.report(m.addr, AppendReportV1(nil, m.addr))
}

func (fx *Effects) report(dst netip.Addr, payload []byte) {
	fx.Reports = append(fx.Reports, OutReport{dst, payload})
}
