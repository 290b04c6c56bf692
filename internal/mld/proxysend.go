package mld

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// change notes that a group's filter is no longer what it was (section 6.1): the
// difference is to be told as often as the robustness variable says, starting anew
// for what has changed just now.
func (p *Proxy) change(id uint32, m *membership, old Filter) {
	if !m.wanted() && !m.announced {
		// Nobody has heard of it, so nobody need hear that it is over.
		if t := m.telling; t != nil {
			t.Mode, t.Sources, t.Repeat = 0, nil, instant.Never
		}
		p.settle(m)
		p.tidy(id, m)
		return
	}
	times := max(p.cfg.Robustness, 1)
	t, want := m.tells(), p.want(m)
	if want.Mode != old.Mode {
		t.Mode, t.Sources = times, nil
	} else {
		p.scratch[0] = appendMinus(p.scratch[0][:0], want.Sources, old.Sources)
		p.scratch[0] = appendMinus(p.scratch[0], old.Sources, want.Sources)
		for _, a := range p.scratch[0] {
			t.tell(a, times)
		}
	}
	if !m.fresh && (m.changing() || !m.wanted()) {
		m.fresh = true
		p.pending++
		p.fresh = append(p.fresh, id)
	}
}

func (t *telling) tell(a netip.Addr, times int) {
	if t.Sources == nil {
		t.Sources = t.first[:0]
	}
	i, found := slices.BinarySearchFunc(t.Sources, a, func(c SourceChange, a netip.Addr) int { return c.Source.Compare(a) })
	if !found {
		t.Sources = slices.Insert(t.Sources, i, SourceChange{Source: a})
	}
	t.Sources[i].Left = times
}

// settle takes a group off the fresh ones.
func (p *Proxy) settle(m *membership) {
	if m.fresh {
		m.fresh = false
		p.pending--
	}
}

const (
	// tellPause is the least time between two reports of changes, so that those
	// that stream in fill reports. The first one after a pause goes at once.
	tellPause = time.Millisecond
	// manyGroups fill a report.
	manyGroups = 32
)

// tellAt is when changes may be told next, Never when nothing keeps them back.
func (p *Proxy) tellAt() instant.Time {
	if len(p.fresh) < manyGroups && p.kept.ToldAt.IsSet() {
		return p.kept.ToldAt.Add(tellPause)
	}
	return instant.Never
}

// Advance sends everything that is due: state changes at once unless some have
// just been sent, their repetitions, and answers to queries, packed into as few
// reports as a 1280-byte MTU allows.
func (p *Proxy) Advance(now instant.Time, fx *Effects) {
	p.now = max(p.now, now)
	if !p.canSend() {
		return
	}
	p.packer = packer{buf: p.packer.buf[:0], fx: fx, sent: &p.kept.Counters.Sent}
	again := now.Add(1 + time.Duration(p.rng.Int64N(int64(unsolicitedReportInterval))))
	if len(p.fresh) > 0 && now >= p.tellAt() {
		p.tellFresh(now, again)
	}
	for at, groups := p.repeats.pop(now); len(groups) > 0; at, groups = p.repeats.pop(now) {
		for _, id := range groups {
			if m := p.groups.At(id); m.telling != nil && m.telling.Repeat == at {
				m.telling.Repeat = instant.Never
				p.tellChange(now, id, m, again)
			}
		}
	}
	p.repeats.end(again)
	p.packer.flush()
	p.answer(now)
	p.packer.flush()
	p.packer.fx = nil
}

// repetitions are groups by the time at which their changes are told again. What is
// told together is repeated together.
type repetitions struct {
	due     instant.Queue[uint32] // of batches
	batches map[uint32][]uint32
	last    uint32
	open    []uint32 // the batch in the making
}

// keptGroups is how much room a list of groups keeps when it is empty.
const keptGroups = 4096

// add enters a group, which may have gone when its time comes, into the open batch.
func (r *repetitions) add(id uint32) { r.open = append(r.open, id) }

// end ends the open batch, to be repeated at a time.
func (r *repetitions) end(at instant.Time) {
	if len(r.open) == 0 {
		return
	}
	if r.batches == nil {
		r.batches = make(map[uint32][]uint32)
	}
	r.last++
	r.batches[r.last] = slices.Clone(r.open)
	r.due.Push(at, r.last)
	if r.open = r.open[:0]; cap(r.open) > keptGroups {
		r.open = nil
	}
}

// pop takes out a batch that is due, if there is one, and its time.
func (r *repetitions) pop(now instant.Time) (at instant.Time, groups []uint32) {
	batch, at, ok := r.due.Pop(now)
	if ok {
		groups = r.batches[batch]
		delete(r.batches, batch)
	}
	return at, groups
}

// tellFresh sends the changes that have not been sent once.
func (p *Proxy) tellFresh(now, again instant.Time) {
	p.kept.ToldAt = now
	for _, id := range p.fresh {
		if m := p.groups.At(id); m.fresh {
			p.settle(m)
			p.tellChange(now, id, m, again)
		}
	}
	if p.fresh = p.fresh[:0]; cap(p.fresh) > keptGroups {
		p.fresh = nil
	}
}

// tellChange sends the changes of one group and arranges their repetition.
func (p *Proxy) tellChange(now instant.Time, id uint32, m *membership, again instant.Time) {
	if p.version(now) == 1 {
		p.tellV1(m)
	} else {
		p.tellV2(m)
	}
	m.announced = m.announced || m.wanted()
	if m.changing() {
		m.telling.Repeat = again
		p.repeats.add(id)
	}
	p.tidy(id, m)
}

// tellV2 adds the state-change records of one group. A change of the mode carries
// the whole list, so changes of the list need no record of their own beside it.
func (p *Proxy) tellV2(m *membership) {
	t, want := m.telling, p.want(m)
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

// tellV1 sends a report or a done. MLDv1 knows no sources: a group is wanted or not.
func (p *Proxy) tellV1(m *membership) {
	t := m.telling
	switch {
	case !m.wanted():
		if t != nil {
			t.Mode, t.Sources = 0, nil
		}
		p.kept.Counters.Sent.Dones++
		p.packer.fx.report(AllRouters, AppendDone(nil, m.addr))
	case m.changing():
		t.Mode, t.Sources = max(t.Mode, t.leftOfSources())-1, nil
		p.sendV1(m)
	}
}

func (t *telling) leftOfSources() (left int) {
	for _, c := range t.Sources {
		left = max(left, c.Left)
	}
	return left
}

func (p *Proxy) sendV1(m *membership) {
	p.kept.Counters.Sent.ReportsV1++
	p.packer.fx.report(m.addr, AppendReportV1(nil, m.addr))
}

func (fx *Effects) report(dst netip.Addr, payload []byte) {
	fx.Reports = append(fx.Reports, OutReport{dst, payload})
}

const (
	// maxReport is what a 1280-byte packet leaves for the ICMPv6 message: the IPv6
	// header and the hop-by-hop options take 48 bytes.
	maxReport        = 1280 - 48
	maxRecordSources = (maxReport - reportHeaderSize - recordHeaderSize) / addrSize
)

// packer gathers group records into reports.
type packer struct {
	buf  []byte // the report in the making, its record count still 0
	n    int
	fx   *Effects
	sent *Messages
}

// add appends a record. A list that exceeds one packet is cut for EXCLUDE types,
// whose receivers then forward too much rather than too little, and continued in
// another record for all others (RFC 9777, section 5.2.15).
func (k *packer) add(t RecordType, group netip.Addr, sources []netip.Addr) {
	part := sources[:min(len(sources), maxRecordSources)]
	k.put(GroupRecord{t, group, part})
	if t == ModeIsExclude || t == ChangeToExclude {
		return
	}
	rest := sources[len(part):]
	if t == ChangeToInclude {
		// A second TO_IN would replace the first at a router that tracks hosts.
		t = AllowNewSources
	}
	for more := range slices.Chunk(rest, maxRecordSources) {
		k.put(GroupRecord{t, group, more})
	}
}

func (k *packer) put(r GroupRecord) {
	if k.n > 0 && len(k.buf)+r.size() > maxReport {
		k.flush()
	}
	if k.n == 0 {
		k.buf = AppendReport(k.buf[:0], nil)
	}
	k.buf = appendRecord(k.buf, r)
	k.n++
}

// flush hands the report over.
func (k *packer) flush() {
	if k.n == 0 {
		return
	}
	k.buf[6], k.buf[7] = byte(k.n>>8), byte(k.n)
	k.sent.ReportsV2++
	k.sent.Records += uint64(k.n)
	k.fx.report(AllMLDv2Routers, slices.Clone(k.buf))
	k.n = 0
}
