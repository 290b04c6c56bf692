package mld

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tandem/internal/instant"
)

// pair is two routers on one link. Device 1 is the querier.
type pair struct{ a, b *rig }

func newPair(t *testing.T, cfg Config) pair {
	a, b := newRig(t, cfg), newRig(t, cfg)
	b.r = NewRouter(cfg, 2, after(0))
	b.id = 2
	b.r.SetLink(after(0), addr("fe80::b"), true, &b.fx)
	b.fx.Reset()
	return pair{a, b}
}

// replicate sends to y what the last event at x has changed.
func (x *rig) replicate(y *rig) {
	x.t.Helper()
	y.now = max(y.now, x.now)
	y.clock = max(y.clock, x.clock) // the clock moves forward as a hybrid logical clock does
	for _, key := range x.fx.Changed {
		if rec, ok := x.r.Get(x.now, key); ok {
			y.r.Merge(y.now, rec, &y.fx)
		}
	}
}

// synchronise merges the records of each router into the other.
func (p pair) synchronise() {
	now := max(p.a.now, p.b.now)
	p.a.now, p.b.now = now, now
	p.a.clock = max(p.a.clock, p.b.clock)
	p.b.clock = p.a.clock
	toB, toA := slices.Collect(p.a.r.Records(p.a.now)), slices.Collect(p.b.r.Records(p.b.now))
	for _, rec := range toB {
		p.b.r.Merge(now, rec, &p.b.fx)
	}
	slices.Reverse(toA)
	for _, rec := range toA {
		p.a.r.Merge(now, rec, &p.a.fx)
	}
}

// live returns the live records, sorted and without their remaining time.
func live(r *Router) []Record {
	var list []Record
	for rec := range r.Records(after(0)) {
		if !rec.Deleted {
			rec.Left = 0
			list = append(list, rec)
		}
	}
	slices.SortFunc(list, func(a, b Record) int {
		return cmp.Or(a.Group.Compare(b.Group), a.Host.Compare(b.Host))
	})
	return list
}

func TestMergeOrder(t *testing.T) {
	key := Key{group1, h1}
	join := Record{Key: key, Filter: Filter{Mode: Exclude}, Version: Version{10, 1}, Left: time.Minute}
	other := Record{Key: key, Filter: Filter{Include, []netip.Addr{s1}}, Version: Version{10, 2}, Left: time.Minute}
	leave := Record{Key: key, Version: Version{11, 1}, Deleted: true, Left: time.Minute}
	for _, order := range [][]Record{{join, other, leave}, {join, leave, other}, {other, join, leave}, {other, leave, join}, {leave, join, other}, {leave, other, join}} {
		r := NewRouter(DefaultConfig(), 3, after(0))
		var fx Effects
		for _, rec := range order {
			r.Merge(after(0), rec, &fx)
			if r.Merge(after(0), rec, &fx) != MergedStale {
				t.Error("merged twice")
			}
		}
		if got, _ := r.Get(after(0), key); !got.Deleted || got.Version != leave.Version {
			t.Errorf("after %v: %+v", order, got)
		}
		if len(fx.Changed) != 0 {
			t.Error("a merge would be replicated back")
		}
		r.Forget(after(0), r.HandleOf(key), leave.Version)
		r.Merge(after(0), other, &fx)
		r.Merge(after(0), join, &fx)
		if f := r.Filter(group1); !f.Equal(other.Filter) {
			t.Errorf("at equal clocks the higher device must win: %v", f)
		}
	}
}

func TestRestamp(t *testing.T) {
	r := newRig(t, DefaultConfig())
	r.hear(h1, ChangeToExclude, group1)
	r.hear(h2, ChangeToExclude, group1)
	r.r.SetPartitioned(r.now, r.version(), true, &r.fx)
	r.hear(h2, ChangeToInclude, group1)
	before := slices.Collect(r.r.Records(r.now))
	var told []Rewrite
	r.r.Observe(func(w Rewrite) { told = append(told, w) })
	r.r.Restamp(1000)
	after := slices.Collect(r.r.Records(r.now))
	for i := range before {
		before[i].Version.Clock += 1000
	}
	if d := gocmp.Diff(before, after, gocmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Errorf("what else changed (-want +got):\n%s", d)
	}
	for _, w := range told {
		if w.New.Clock != w.Old.Clock+1000 || w.WasLive != w.IsLive || w.Created || w.Gone {
			t.Errorf("told %+v", w)
		}
	}
	if len(told) != len(after) || len(after) < 2 {
		t.Errorf("%d of %d records are told of", len(told), len(after))
	}
}

func TestMergeRefuses(t *testing.T) {
	r := NewRouter(DefaultConfig(), 1, after(0))
	var fx Effects
	for _, key := range []Key{{addr("ff02::1"), h1}, {addr("2001:db8::1"), h1}, {group1, netip.Addr{}}, {netip.Addr{}, h1}} {
		if r.Merge(after(0), Record{Key: key, Filter: Filter{Mode: Exclude}, Version: Version{1, 2}, Left: time.Minute}, &fx) != MergedUnfit {
			t.Errorf("merged %v", key)
		}
	}
}

// The device that receives a leave may not be the querier. Both stop sending together.
func TestLeaveAcrossDevices(t *testing.T) {
	for _, v1 := range []bool{false, true} {
		t.Run(fmt.Sprintf("v1=%v", v1), func(t *testing.T) {
			p := newPair(t, DefaultConfig())
			join := func() { p.b.hear(h1, ChangeToExclude, group1) }
			leave := func() { p.b.hear(h1, ChangeToInclude, group1) }
			if v1 {
				join = func() { p.b.hearV1(h1, TypeReportV1, group1) }
				leave = func() { p.b.hearV1(h1, TypeDone, group1) }
			}
			join()
			p.b.replicate(p.a)
			p.a.wantFilter(Exclude)
			leave()
			if len(p.b.fx.Queries) != 0 {
				t.Error("queried without duty")
			}
			p.b.replicate(p.a)
			if len(p.a.fx.Queries) != 1 {
				t.Errorf("the querier asked %+v", p.a.fx.Queries)
			}
			if got := p.a.run(after(1900 * time.Millisecond)); len(got) != 1 {
				t.Errorf("repeated %q", got)
			}
			p.b.run(after(1900 * time.Millisecond))
			p.a.wantFilter(Exclude)
			p.b.wantFilter(Exclude)
			p.a.run(after(2010 * time.Millisecond))
			p.b.run(after(2010 * time.Millisecond))
			p.a.wantFilter(Include)
			p.b.wantFilter(Include)
		})
	}
}

// An MLDv1 host answers for all others and then leaves. The other device is the querier and
// has already sent two queries. It must start again.
func TestLeaveAfterAnswerAcrossDevices(t *testing.T) {
	p := newPair(t, DefaultConfig())
	p.b.hearV1(h1, TypeReportV1, group1)
	p.b.hearV1(h1, TypeDone, group1)
	p.b.replicate(p.a)
	p.a.run(after(1500 * time.Millisecond))
	p.b.run(after(1500 * time.Millisecond))
	p.b.hearV1(h1, TypeReportV1, group1)
	p.b.replicate(p.a)
	p.b.hearV1(h1, TypeDone, group1)
	p.a.fx.Reset()
	p.b.replicate(p.a)
	if len(p.a.fx.Queries) != 1 {
		t.Errorf("the querier asked %+v", p.a.fx.Queries)
	}
}

func TestHoldPeer(t *testing.T) {
	p := newPair(t, DefaultConfig())
	p.a.hear(h1, ModeIsExclude, group1)
	p.a.replicate(p.b)
	p.b.hear(h2, ModeIsExclude, addr("ff1e::1"))
	p.b.r.RetainPeer(after(0), p.b.version(), true, &p.b.fx)
	p.b.run(after(600 * time.Second))
	p.b.wantFilter(Exclude)
	if !p.b.r.Filter(addr("ff1e::1")).Empty() {
		t.Error("an own record did not age")
	}
	if rec, _ := p.b.r.Get(p.b.now, Key{group1, h1}); rec.Left != 260*time.Second {
		t.Errorf("a held record has %v left", rec.Left)
	}
	p.b.r.RetainPeer(p.b.now, p.b.version(), false, &p.b.fx)
	p.b.run(after(859 * time.Second))
	p.b.wantFilter(Exclude)
	p.b.run(after(861 * time.Second))
	p.b.wantFilter(Include)
}

// Records of the peer that it still has when it is connected again end on both devices at
// the same time. If the peer is lost instead, its records get a full interval.
func TestHeldRecordEndsWithItsOriginal(t *testing.T) {
	for _, lost := range []bool{false, true} {
		p := newPair(t, DefaultConfig())
		p.a.hear(h1, ModeIsExclude, group1)
		p.a.replicate(p.b)
		p.b.r.SetPartitioned(p.b.now, p.b.version(), true, &p.b.fx)
		p.b.r.RetainPeer(after(0), p.b.version(), true, &p.b.fx)
		p.b.run(after(255 * time.Second))
		p.b.r.SetPartitioned(p.b.now, p.b.version(), lost, &p.b.fx)
		p.b.r.RetainPeer(p.b.now, p.b.version(), false, &p.b.fx)
		end := after(260 * time.Second)
		p.a.run(end.Add(-time.Second))
		p.a.wantFilter(Exclude)
		p.a.run(end.Add(time.Second))
		p.a.wantFilter(Include)
		if lost {
			end = after(515 * time.Second)
		}
		p.b.run(end.Add(-time.Second))
		p.b.wantFilter(Exclude)
		p.b.run(end.Add(time.Second))
		p.b.wantFilter(Include)
	}
}

// While the channel to the querier is down, an MLDv1 Done must not end the stream of a
// host whose report was suppressed.
func TestUnverifiableDone(t *testing.T) {
	p := newPair(t, DefaultConfig())
	p.b.hearV1(h1, TypeReportV1, group1)
	p.b.r.RetainPeer(after(0), p.b.version(), true, &p.b.fx)
	p.b.hearV1(h1, TypeDone, group1)
	p.b.run(after(10 * time.Second))
	p.b.wantFilter(Exclude)
	// The same holds when the retention has ended and the querier is still not connected.
	p.b.r.SetPartitioned(p.b.now, p.b.version(), true, &p.b.fx)
	p.b.r.RetainPeer(p.b.now, p.b.version(), false, &p.b.fx)
	p.b.hearV1(h1, TypeDone, group1)
	p.b.run(after(20 * time.Second))
	p.b.wantFilter(Exclude)
	if n := p.b.r.State(p.b.now).Counters.Drops.Done; n != 2 {
		t.Errorf("%d dones counted", n)
	}
}

// step runs one event, which is encoded in two bytes.
func (p pair) step(op, arg byte) {
	x, y := p.a, p.b
	if op&1 != 0 {
		x, y = p.b, p.a
	}
	hosts := []netip.Addr{h1, h2, addr("fe80::1:3")}
	host, grp := hosts[int(arg)%3], groupNumber(int(arg>>2)%2)
	sources := slices.DeleteFunc([]netip.Addr{s1, s2, s3}, func(a netip.Addr) bool { return arg>>4&(1<<(a.As16()[15]-1)) == 0 })
	x.fx.Reset()
	switch op >> 1 % 16 {
	case 0, 1, 2, 3, 4, 5:
		x.hear(host, RecordType(op>>1%16)+1, grp, sources...)
	case 6:
		x.hear(host, ChangeToInclude, grp)
	case 7:
		x.hearV1(host, TypeReportV1, grp)
	case 8:
		x.hearV1(host, TypeDone, grp)
	case 9:
		x.run(x.now.Add(time.Duration(arg) * 50 * time.Millisecond))
	case 10:
		x.run(x.now.Add(time.Duration(arg) * 3 * time.Second))
	case 11:
		x.r.RetainPeer(x.now, x.version(), arg&1 != 0, &x.fx)
	case 12:
		x.r.SetQuerierDuty(x.now, arg&1 != 0, &x.fx)
	case 13:
		x.receive(addr("fe80::9"), &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: grp, Sources: sources, Suppress: arg&1 != 0, Robustness: 2, QueryInterval: time.Minute}})
	case 14:
		for rec := range y.r.Records(y.now) {
			if mine, ok := x.r.Get(x.now, rec.Key); ok && mine.Deleted && mine.Version == rec.Version {
				x.r.Forget(x.now, x.r.HandleOf(rec.Key), rec.Version)
			}
		}
	case 15:
		p.synchronise()
		return
	}
	if arg&0x80 != 0 {
		x.replicate(y)
	}
}

// history runs a sequence of events and checks the invariants after each.
func history(t *testing.T, events []byte, fatal func(string, ...any)) {
	p := newPair(t, DefaultConfig())
	for i := 0; i+1 < len(events); i += 2 {
		p.step(events[i], events[i+1])
		for _, x := range []*rig{p.a, p.b} {
			if err := x.r.verify(x.now); err != nil {
				fatal("after event %d, device %d: %v", i/2, x.id, err)
			}
		}
	}
	p.synchronise()
	if diff := gocmp.Diff(live(p.a.r), live(p.b.r), byAddr, gocmp.Comparer(Filter.Equal)); diff != "" {
		fatal("after synchronisation: %s", diff)
	}
	for g := range p.a.r.Groups() {
		if f := p.a.r.Filter(g); !f.Equal(p.b.r.Filter(g)) {
			fatal("group %v: %v and %v", g, f, p.b.r.Filter(g))
		}
	}
	for _, x := range []*rig{p.a, p.b} {
		x.r.RetainPeer(x.now, x.version(), false, &x.fx)
		x.r.SetQuerierDuty(x.now, false, &x.fx)
		x.run(x.now.Add(12 * time.Hour))
		if n := x.r.store.records.Len() + x.r.store.groups.Len() + x.r.store.lists.lists.Len() + x.r.store.hosts.Len(); n != 0 {
			fatal("device %d still holds %d entries when all has aged", x.id, n)
		}
	}
}

func TestHistories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		history(t, rapid.SliceOfN(rapid.Byte(), 0, 120).Draw(rt, "events"), rt.Fatalf)
	})
}

func FuzzRouter(f *testing.F) {
	f.Add([]byte{2, 0x81, 12, 0x81, 18, 40, 30, 0})
	f.Add([]byte{14, 0x80, 16, 0x81, 22, 1, 20, 100, 30, 0})
	f.Add([]byte{0, 0x70, 10, 0x30, 1, 0x20, 18, 20, 8, 0x50, 30, 0})
	f.Fuzz(func(t *testing.T, events []byte) {
		if len(events) > 400 {
			return
		}
		history(t, events, t.Fatalf)
	})
}

// verify recomputes from the records everything that the router derives from them.
func (r *Router) verify(now instant.Time) error {
	s := &r.store
	type key struct{ group, host uint32 }
	seen := map[key]bool{}
	hostRefs, listRefs := map[uint32]uint32{}, map[uint32]uint32{}
	filed := map[uint32]instant.Time{}
	for at, b := range s.expiry.due.All() {
		for id := s.expiry.buckets[b].first; id != 0; id = s.records.At(id).tnext {
			filed[id] = at
		}
	}
	liveRecords, liveGroups := 0, 0
	for gid := uint32(1); gid <= s.groups.Top(); gid++ {
		g := s.groups.At(gid)
		if !g.addr.IsValid() {
			continue
		}
		if s.findGroup(g.addr) != gid {
			return fmt.Errorf("group %v not found", g.addr)
		}
		if g.reporter != 0 {
			hostRefs[g.reporter]++
		}
		want := Filter{}
		n := uint32(0)
		for id := g.records.First; id != 0; id = s.records.At(id).links.Next {
			rec := s.records.At(id)
			if rec.group != gid || seen[key{gid, rec.host}] || s.findRecord(gid, rec.host) != id {
				return fmt.Errorf("group %v: record %d misplaced", g.addr, id)
			}
			seen[key{gid, rec.host}] = true
			hostRefs[rec.host]++
			if rec.list != 0 {
				listRefs[rec.list]++
			}
			if at, ok := filed[id]; !ok || at > rec.expires.Add(tickLength) && at > now.Add(tickLength) {
				return fmt.Errorf("record %d expires at %v, filed at %v (%v)", id, rec.expires, at, ok)
			}
			if (s.hosts.At(rec.host).addr == nobody) != (id == g.leaveRecord) {
				return fmt.Errorf("group %v: wrong lingering record", g.addr)
			}
			if rec.live() {
				want = want.Union(s.filter(id))
				n++
				if id != g.leaveRecord {
					liveRecords++
				}
			}
		}
		if g.records.First == 0 || n != g.live {
			return fmt.Errorf("group %v: %d live records counted, %d there", g.addr, g.live, n)
		}
		if n > 0 {
			liveGroups++
		}
		if got := s.union(g); !got.Equal(want) {
			return fmt.Errorf("group %v: filter %v, want %v", g.addr, got, want)
		}
	}
	if len(seen) != s.records.Len() || liveRecords != s.liveRecords || liveGroups != s.liveGroups {
		return fmt.Errorf("%d records, %d live, %d groups; counted %d, %d, %d", len(seen), liveRecords, liveGroups,
			s.records.Len(), s.liveRecords, s.liveGroups)
	}
	items, entries, named := held(s)
	if named != s.named {
		return fmt.Errorf("%d sources are named, %d counted", named, s.named)
	}
	for id := uint32(1); id <= s.hosts.Top(); id++ {
		h := s.hosts.At(id)
		if h.refs != hostRefs[id] {
			return fmt.Errorf("host %v: %d references, %d counted", h.addr, hostRefs[id], h.refs)
		}
		if h.items != items[id] || s.tallied && h.entries != entries[id] {
			return fmt.Errorf("host %v holds %d and %d entries, %d and %d counted", h.addr, items[id], entries[id], h.items, h.entries)
		}
	}
	for id := uint32(1); id <= s.lists.lists.Top(); id++ {
		if l := s.lists.lists.At(id); l.refs != listRefs[id] {
			return fmt.Errorf("list %v: %d references, %d counted", l.addrs, listRefs[id], l.refs)
		}
	}
	return nil
}

// held counts what each host holds, and the number of sources named in all groups.
func held(s *store) (items, entries map[uint32]uint32, named int) {
	items, entries = make(map[uint32]uint32), make(map[uint32]uint32)
	sources := make(map[Key]bool) // group and source
	for id := uint32(1); id <= s.records.Top(); id++ {
		rec := s.records.At(id)
		if rec.group == 0 {
			continue
		}
		items[rec.host]++
		if !rec.live() {
			continue
		}
		f, g := s.filter(id), s.groups.At(rec.group)
		items[rec.host] += uint32(len(f.Sources))
		for _, a := range f.Sources {
			sources[Key{g.addr, a}] = true
		}
		if id == g.leaveRecord {
			continue
		}
		if f.Mode == Exclude && s.isCounted(g.addr, anySource) {
			entries[rec.host]++
		}
		for _, a := range f.Sources {
			if f.Mode == Include && s.isCounted(g.addr, a) {
				entries[rec.host]++
			}
		}
	}
	return items, entries, len(sources)
}
