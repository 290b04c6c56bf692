package mld

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// worse and better are other routers on the link. better wins the querier election against
// this router, worse loses it.
var worse, better = addr("fe80::b"), addr("fe80::9")

func (x *rig) hearQuery(from netip.Addr, q Query) {
	x.t.Helper()
	if q.Version == 0 {
		q.Version = 2
	}
	if !q.Group.IsValid() {
		q.Group = nobody
	}
	x.receive(from, &Packet{Type: TypeQuery, Query: q})
}

// A querier sends 0 if its robustness exceeds the field, or if it uses MLDv1. The
// configured values stay in force.
func TestQuerierSaysZero(t *testing.T) {
	for _, q := range []Query{{Version: 2}, {Version: 1}} {
		cfg := DefaultConfig()
		cfg.Robustness, cfg.QueryInterval = 3, 60*time.Second
		x := newRig(t, cfg)
		x.hearQuery(better, q)
		if diff := cmp.Diff(cfg, x.r.State(after(0)).InUse); diff != "" {
			t.Errorf("version %d: %s", q.Version, diff)
		}
	}
}

// The querier sets the time in which hosts must answer: for all groups by its general
// queries, for one group by its specific queries.
func TestQuerierSetsResponseTimes(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hearQuery(better, Query{MaxResponse: 100 * time.Second, Robustness: 2, QueryInterval: 125 * time.Second})
	x.hear(h1, ModeIsExclude, group1)
	if rec, _ := x.r.Get(x.now, Key{group1, h1}); rec.Left != 350*time.Second {
		t.Errorf("listening interval %v", rec.Left)
	}
	x.hearQuery(better, Query{Group: group1, MaxResponse: 5 * time.Second, Robustness: 2, QueryInterval: 125 * time.Second})
	if rec, _ := x.r.Get(x.now, Key{group1, h1}); rec.Left != 10*time.Second {
		t.Errorf("lowered to %v", rec.Left)
	}
}

func TestEveryLinkBeginsAsQuerier(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hearQuery(better, Query{})
	x.r.SetLink(after(time.Second), self, false, &x.fx)
	x.fx.Reset()
	x.r.SetLink(after(2*time.Second), self, true, &x.fx)
	if s := x.r.State(x.now); !s.IsQuerier || len(x.fx.Queries) != 1 {
		t.Errorf("querier %v, queries %+v", s.Querier, x.fx.Queries)
	}
}

// Queries of a router that has lost the election do not change timers. But the host side
// answers them, with exactly what was asked for.
func TestQueryOfLoser(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hear(h1, ModeIsInclude, group1, s1, s2)
	x.run(after(5 * time.Second))
	x.hearQuery(worse, Query{Group: group1, Sources: []netip.Addr{s1}, MaxResponse: time.Second})
	if rec, _ := x.r.Get(x.now, Key{group1, h1}); rec.Left != 255*time.Second {
		t.Errorf("lowered to %v", rec.Left)
	}
	x.hear(h1, ModeIsInclude, group1, s1)
	x.run(after(10 * time.Second))
	x.wantFilter(Include, s1, s2)
}

func TestOtherVersionIsReported(t *testing.T) {
	for version := 1; version <= 2; version++ {
		cfg := DefaultConfig()
		cfg.Version = version
		x := newRig(t, cfg)
		told := 0
		for range 10 {
			x.hearQuery(worse, Query{Version: 3 - version})
			told += len(x.fx.OtherVersion)
			x.run(x.now.Add(25 * time.Second))
			x.hearQuery(worse, Query{Version: version})
			told += len(x.fx.OtherVersion)
		}
		if c := x.r.State(x.now).Counters.Received; told != 2 || c.OtherVersion != 10 {
			t.Errorf("version %d: told %d times, %d counted", version, told, c.OtherVersion)
		}
	}
}

// The S flag asks other routers to keep their timers. It may be set only if the known
// listeners remain for longer than the query takes.
func TestSuppress(t *testing.T) {
	ask := func(left time.Duration, rec GroupRecord) []string {
		x := newRig(t, DefaultConfig())
		x.hear(h1, rec.Type, group1, rec.Sources...)
		x.hear(h1, ChangeToInclude, group1)
		x.r.Merge(x.now, Record{Key: Key{group1, h2}, Filter: Filter{Mode: Include, Sources: []netip.Addr{s1}},
			Version: Version{100, 2}, Left: left}, &x.fx)
		x.clock = 200
		return x.run(after(1500 * time.Millisecond))
	}
	sources := GroupRecord{ModeIsInclude, group1, []netip.Addr{s1, s2}}
	if got, want := ask(time.Minute, sources), []string{"1s ff3e::8000:1[2001:db8::1] S", "1s ff3e::8000:1[2001:db8::2]"}; !slices.Equal(got, want) {
		t.Errorf("queries %q, want %q", got, want)
	}
	if got, want := ask(2*time.Second, sources), []string{"1s ff3e::8000:1[2001:db8::1 2001:db8::2]"}; !slices.Equal(got, want) {
		t.Errorf("about to expire: queries %q, want %q", got, want)
	}
	if got, want := ask(time.Minute, GroupRecord{ModeIsExclude, group1, nil}), []string{"1s ff3e::8000:1"}; !slices.Equal(got, want) {
		t.Errorf("only a source is listened to: queries %q, want %q", got, want)
	}
}

// If a source list does not fit into one packet, it comes in several records.
func TestSplitLists(t *testing.T) {
	for _, rec := range []RecordType{ModeIsInclude, ChangeToInclude} {
		x := newRig(t, DefaultConfig())
		x.hear(h1, ModeIsExclude, group1)
		x.run(after(time.Second))
		x.hear(h1, rec, group1, s1)
		x.now = x.now.Add(10 * time.Millisecond)
		x.hear(h1, rec, group1, s2)
		x.run(after(10 * time.Second))
		x.wantFilter(Include, s1, s2)
		x.hear(h1, rec, group1, s2) // not another part of the list: it replaces the whole list
		x.now = x.now.Add(10 * time.Millisecond)
		x.hear(h1, ChangeToInclude, group1) // an empty list is not another part either
		x.run(after(20 * time.Second))
		x.wantFilter(Include)
	}
}

// Queries are not larger than the MTU that every link has.
func TestQuerySplit(t *testing.T) {
	var many []netip.Addr
	for i := range 200 {
		many = append(many, netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 14: byte(i >> 8), 15: byte(i + 1)}))
	}
	cfg := DefaultConfig()
	cfg.MaxGroupSources = 4 * len(many)
	x := newRig(t, cfg)
	x.hear(h1, ModeIsInclude, group1, many...)
	x.hear(h1, BlockOldSources, group1, many...)
	var asked []netip.Addr
	for _, q := range x.fx.Queries {
		if size := 40 + 8 + len(AppendQuery(nil, q)); size > 1280 {
			t.Errorf("a query takes %d bytes", size)
		}
		asked = append(asked, q.Sources...)
	}
	if !slices.Equal(asked, many) {
		t.Errorf("asked for %d sources of %d", len(asked), len(many))
	}
}

// A Done ends what the host has reported before it changed to MLDv1.
func TestDoneOfFormerV2Host(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hear(h1, ModeIsExclude, group1)
	x.hearV1(h2, TypeReportV1, group1)
	x.hearV1(h1, TypeDone, group1)
	if len(x.fx.Queries) == 0 {
		t.Error("nobody was asked")
	}
	x.run(after(3 * time.Second))
	x.wantFilter(Include)
}

// For both tables of RFC 9777, section 7.4: one host after another reaches each line, and
// the router sends the queries that the line demands.
func TestQueriesOfTable(t *testing.T) {
	include := func(s ...netip.Addr) Filter { return Filter{Include, s} }
	exclude := func(s ...netip.Addr) Filter { return Filter{Exclude, s} }
	for _, tc := range []struct {
		old  Filter
		rec  RecordType
		told []netip.Addr
		want []string
	}{
		{include(s1, s2), AllowNewSources, []netip.Addr{s3}, nil},
		{include(s1, s2), BlockOldSources, []netip.Addr{s2, s3}, []string{"ff3e::8000:1[2001:db8::2]"}},
		{include(s1, s2), ChangeToExclude, []netip.Addr{s2, s3}, []string{"ff3e::8000:1[2001:db8::2]"}},
		{include(s1, s2), ChangeToInclude, []netip.Addr{s2, s3}, []string{"ff3e::8000:1[2001:db8::1]"}},
		{exclude(s1), AllowNewSources, []netip.Addr{s1}, nil},
		{exclude(s1), BlockOldSources, []netip.Addr{s1, s2}, []string{"ff3e::8000:1[2001:db8::2]"}},
		{exclude(s1), ChangeToExclude, []netip.Addr{s1, s2}, []string{"ff3e::8000:1[2001:db8::2]"}},
		{exclude(s1), ChangeToInclude, []netip.Addr{s2}, []string{"ff3e::8000:1"}},
	} {
		t.Run(fmt.Sprintf("%v%v %v%v", tc.old.Mode, tc.old.Sources, tc.rec, tc.told), func(t *testing.T) {
			x := newRig(t, DefaultConfig())
			state := ModeIsInclude
			if tc.old.Mode == Exclude {
				state = ModeIsExclude
			}
			x.hear(h1, state, group1, tc.old.Sources...)
			x.run(after(time.Second))
			x.hear(h1, tc.rec, group1, tc.told...)
			var got []string
			for _, q := range x.fx.Queries {
				got = append(got, describe(q))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("queries %q, want %q", got, tc.want)
			}
		})
	}
}

// A maximum response delay of 0 means that a host answers at once.
func TestAnswerAtOnce(t *testing.T) {
	for version, want := range map[int]string{1: "ReportV1 ff3e::8000:1 to ff3e::8000:1", 2: "IS_EX ff3e::8000:1[]"} {
		for _, group := range []netip.Addr{nobody, group1} {
			u := newUpstream(t)
			u.want(Filter{Mode: Exclude})
			u.run(after(10 * time.Second))
			u.query(Query{Version: version, Group: group})
			u.expect(u.now.Add(time.Millisecond), want)
		}
	}
}

// The older version querier present timer covers the longest time between two received
// queries of that querier.
func TestOlderQuerierPresent(t *testing.T) {
	u := newUpstream(t)
	u.query(Query{Version: 1, Group: nobody, MaxResponse: 60 * time.Second})
	if v := u.p.version(after(309 * time.Second)); v != 1 {
		t.Errorf("version %d before the timer ends", v)
	}
	if v := u.p.version(after(310 * time.Second)); v != 2 {
		t.Errorf("version %d after it", v)
	}
}
