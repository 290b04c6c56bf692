package mld

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem/internal/instant"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func addrList(s ...string) []netip.Addr {
	var list []netip.Addr
	for _, a := range s {
		list = append(list, addr(a))
	}
	return list
}

var (
	self   = addr("fe80::a")
	h1     = addr("fe80::1:1")
	h2     = addr("fe80::1:2")
	group1 = addr("ff3e::8000:1")
	s1     = addr("2001:db8::1")
	s2     = addr("2001:db8::2")
	s3     = addr("2001:db8::3")
	nobody = netip.IPv6Unspecified()

	byAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
)

// after returns the instant at a distance from the origin of virtual time.
func after(d time.Duration) instant.Time { return instant.FromOrigin(d) }

// rig is a router on virtual time.
type rig struct {
	t     *testing.T
	r     *Router
	now   instant.Time
	clock uint64
	id    uint64
	fx    Effects
}

func newRig(t *testing.T, cfg Config) *rig {
	x := &rig{t: t, r: NewRouter(cfg, 1, after(0)), now: after(0), id: 1}
	x.r.SetLink(after(0), self, true, &x.fx)
	x.r.SetQuerierDuty(after(0), true, &x.fx)
	x.fx.Reset()
	return x
}

func (x *rig) version() Version {
	x.clock++
	return Version{x.clock, x.id}
}

// hear gives the router one group record of a host. The effects contain only those of this
// event.
func (x *rig) hear(host netip.Addr, t RecordType, group netip.Addr, sources ...netip.Addr) {
	x.t.Helper()
	x.receive(host, &Packet{Type: TypeReportV2, Records: []GroupRecord{{t, group, sources}}})
}

func (x *rig) hearV1(host netip.Addr, t Type, group netip.Addr) {
	x.t.Helper()
	x.receive(host, &Packet{Type: t, Query: Query{Version: 1, Group: group}})
}

func (x *rig) receive(from netip.Addr, p *Packet) {
	x.t.Helper()
	x.fx.Reset()
	meta := Meta{Src: from, HopLimit: 1, RouterAlert: true}
	if p.Type == TypeQuery {
		meta.Dst = p.Query.Destination()
	}
	if err := x.r.Receive(x.now, x.version(), meta, p, &x.fx); err != nil {
		x.t.Fatal(err)
	}
}

// run advances to a time and stops at every deadline. It returns the queries that were
// sent.
func (x *rig) run(until instant.Time) (queries []string) {
	x.t.Helper()
	x.fx.Reset()
	for steps := 0; ; steps++ {
		at := x.r.Deadline()
		if !at.IsDue(until) {
			break
		}
		if at < x.now {
			at = x.now
		}
		if steps > 1_000_000 {
			x.t.Fatal("deadlines without end")
		}
		x.now = at
		n := len(x.fx.Queries)
		x.r.Advance(x.now, x.version(), &x.fx)
		for _, q := range x.fx.Queries[n:] {
			queries = append(queries, fmt.Sprintf("%v %s", x.now, describe(q)))
		}
	}
	x.now = until
	return queries
}

func describe(q Query) string {
	s := "general"
	if !q.General() {
		s = q.Group.String()
	}
	if len(q.Sources) > 0 {
		s += fmt.Sprint(q.Sources)
	}
	if q.Suppress {
		s += " S"
	}
	return s
}

func (x *rig) wantFilter(mode FilterMode, sources ...netip.Addr) {
	x.t.Helper()
	if got, want := x.r.Filter(group1), (Filter{mode, sources}); !got.Equal(want) {
		x.t.Errorf("at %v: filter %v, want %v", x.now, got, want)
	}
}

func (x *rig) wantKeys(hosts ...netip.Addr) {
	x.t.Helper()
	var got []netip.Addr
	for _, k := range x.fx.Changed {
		got = append(got, k.Host)
	}
	if !slices.Equal(got, hosts) {
		x.t.Errorf("changed %v, want %v", got, hosts)
	}
}

// TestRecordTypes tests the table of RFC 9777, section 7.4, for one tracked host.
func TestRecordTypes(t *testing.T) {
	for _, tc := range []struct {
		name string
		old  Filter
		rec  RecordType
		told []netip.Addr
		want Filter
	}{
		{"is_in of nobody", Filter{}, ModeIsInclude, addrList("2001:db8::2", "2001:db8::1", "2001:db8::2"), Filter{Include, []netip.Addr{s1, s2}}},
		{"is_in of nothing", Filter{}, ModeIsInclude, nil, Filter{}},
		{"is_ex of nobody", Filter{}, ModeIsExclude, []netip.Addr{s1}, Filter{Exclude, []netip.Addr{s1}}},
		{"is_in replaces include", Filter{Include, []netip.Addr{s1}}, ModeIsInclude, []netip.Addr{s2}, Filter{Include, []netip.Addr{s2}}},
		{"is_ex replaces include", Filter{Include, []netip.Addr{s1}}, ModeIsExclude, nil, Filter{Mode: Exclude}},
		{"to_in replaces exclude", Filter{Mode: Exclude}, ChangeToInclude, []netip.Addr{s2}, Filter{Include, []netip.Addr{s2}}},
		{"to_ex replaces exclude", Filter{Exclude, []netip.Addr{s1, s2}}, ChangeToExclude, []netip.Addr{s2, s3}, Filter{Exclude, []netip.Addr{s2, s3}}},
		{"allow adds to include", Filter{Include, []netip.Addr{s1}}, AllowNewSources, []netip.Addr{s3}, Filter{Include, []netip.Addr{s1, s3}}},
		{"allow takes from exclude", Filter{Exclude, []netip.Addr{s1, s2}}, AllowNewSources, []netip.Addr{s1, s3}, Filter{Exclude, []netip.Addr{s2}}},
		{"allow of nobody", Filter{}, AllowNewSources, []netip.Addr{s1}, Filter{Include, []netip.Addr{s1}}},
		{"block takes from include", Filter{Include, []netip.Addr{s1, s2}}, BlockOldSources, []netip.Addr{s2, s3}, Filter{Include, []netip.Addr{s1}}},
		{"block adds to exclude", Filter{Exclude, []netip.Addr{s2}}, BlockOldSources, []netip.Addr{s1}, Filter{Exclude, []netip.Addr{s1, s2}}},
		{"block of nobody", Filter{}, BlockOldSources, []netip.Addr{s1}, Filter{}},
		{"leave", Filter{Mode: Exclude}, ChangeToInclude, nil, Filter{}},
		{"useless sources", Filter{}, AllowNewSources, addrList("ff0e::1", "::", "fe80::9"), Filter{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.PromptLeave = true // without delay, only the record itself has an effect
			x := newRig(t, cfg)
			switch {
			case tc.old.Mode == Exclude:
				x.hear(h1, ModeIsExclude, group1, tc.old.Sources...)
			case !tc.old.Empty():
				x.hear(h1, ModeIsInclude, group1, tc.old.Sources...)
			}
			x.run(after(time.Second))
			x.hear(h1, tc.rec, group1, tc.told...)
			x.wantFilter(tc.want.Mode, tc.want.Sources...)
			for _, s := range []netip.Addr{s1, s2, s3} {
				if x.r.Wants(group1, s) != tc.want.wants(s) {
					t.Errorf("Wants(%v) = %v", s, !tc.want.wants(s))
				}
			}
		})
	}
}

func TestUnionOfHosts(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hear(h1, ModeIsExclude, group1, s1, s2)
	x.hear(h2, ModeIsInclude, group1, s1)
	x.wantFilter(Exclude, s2)
	x.hear(h2, ModeIsExclude, group1, s2, s3)
	x.wantFilter(Exclude, s2)
}

func TestRefresh(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hear(h1, ModeIsExclude, group1)
	first, _ := x.r.Get(x.now, Key{group1, h1})
	x.run(after(100 * time.Second))
	x.hear(h1, ModeIsExclude, group1)
	x.wantKeys(h1)
	if len(x.fx.Groups) != 0 {
		t.Errorf("a refresh changed forwarding: %v", x.fx.Groups)
	}
	rec, ok := x.r.Get(x.now, Key{group1, h1})
	if !ok || !rec.Version.newer(first.Version) || rec.Left != 260*time.Second {
		t.Errorf("after the refresh: %+v", rec)
	}
	g, _ := x.r.GroupState(x.now, group1)
	if g.Uptime != 100*time.Second || g.Hosts[0].Age != 0 || g.LastReporter != h1 {
		t.Errorf("group state %+v", g)
	}
	x.run(after(100*time.Second + 259*time.Second))
	x.wantFilter(Exclude)
	x.run(after(100*time.Second + 261*time.Second))
	x.wantFilter(Include)
	if len(x.fx.Groups) != 1 || len(x.fx.Changed) != 0 {
		t.Errorf("an expiry must be silent towards the peer: %+v", x.fx)
	}
	if s := x.r.State(x.now); s.Groups != 0 || s.Records != 0 {
		t.Errorf("left over: %+v", s)
	}
}

func TestDrops(t *testing.T) {
	good := Meta{Src: h1, HopLimit: 1, RouterAlert: true}
	join := &Packet{Type: TypeReportV2, Records: []GroupRecord{{ModeIsExclude, group1, nil}}}
	with := func(change func(*Meta)) Meta { m := good; change(&m); return m }
	for _, tc := range []struct {
		cause DropCause
		meta  Meta
		p     *Packet
		setup func(*rig, *Config)
	}{
		{DropHopLimit, with(func(m *Meta) { m.HopLimit = 255 }), join, nil},
		{DropSource, with(func(m *Meta) { m.Src = nobody }), join, nil},
		{DropSource, with(func(m *Meta) { m.Src = s1 }), join, nil},
		{DropOwn, with(func(m *Meta) { m.Src = self }), join, nil},
		{DropRouterAlert, with(func(m *Meta) { m.RouterAlert = false }), join, func(_ *rig, c *Config) { c.RequireRouterAlert = true }},
		{DropVersion, good, join, func(_ *rig, c *Config) { c.Version = 1 }},
		{DropType, good, &Packet{Type: 135}, nil},
		{DropLinkDown, good, join, func(x *rig, _ *Config) { x.r.SetLink(after(0), self, false, &x.fx) }},
	} {
		t.Run(tc.cause.String(), func(t *testing.T) {
			x := newRig(t, DefaultConfig())
			cfg := DefaultConfig()
			if tc.setup != nil {
				tc.setup(x, &cfg)
			}
			x.r.SetConfig(after(0), cfg, &x.fx)
			err := x.r.Receive(after(0), x.version(), tc.meta, tc.p, &x.fx)
			var drop *DropError
			if !errors.As(err, &drop) || drop.Cause != tc.cause {
				t.Fatalf("error %v, want cause %v", err, tc.cause)
			}
			for c, n := range x.r.State(after(0)).Counters.Drops.All() {
				if want := uint64(0); (c == tc.cause) != (n == 1) {
					t.Errorf("%v counted %d, want %d", c, n, want)
				}
			}
			x.wantFilter(Include)
		})
	}
}

func TestSkippedRecords(t *testing.T) {
	cfg := DefaultConfig()
	cfg.MaxRecords, cfg.MaxSources = 2, 2
	x := newRig(t, cfg)
	for _, g := range addrList("ff02::1:ff00:1", "ff01::1", "ff00::1", "ff1e::1", "2001:db8::5") {
		x.hear(h1, ModeIsExclude, g)
	}
	x.hear(h1, RecordType(7), group1)
	x.hear(h1, ModeIsInclude, group1, s1, s2, s3)
	x.hear(h1, ModeIsInclude, group1, s1, s2)
	x.hear(h2, ModeIsInclude, group1, s1)
	x.hear(h1, ModeIsInclude, group1, s1) // existing records stay
	if diff := cmp.Diff(Drops{LinkScope: 4, RecordType: 1, Limit: 2}, x.r.State(after(0)).Counters.Drops); diff != "" {
		t.Error(diff)
	}
	got := slices.Collect(x.r.Groups())
	if want := []netip.Addr{addr("ff1e::1"), group1}; !slices.Equal(got, want) {
		t.Errorf("groups %v, want %v", got, want)
	}
}
