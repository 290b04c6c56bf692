package mld

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/instant"
)

// upstream is a proxy on virtual time.
type upstream struct {
	t   *testing.T
	p   *Proxy
	now instant.Time
	fx  Effects
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{t: t, p: NewProxy(DefaultConfig(), rand.New(rand.NewPCG(1, 2)), after(0)), now: after(0)}
	u.p.SetLink(after(0), h1, true)
	return u
}

// run advances to a time and stops at every deadline. It returns what was sent: the time in
// seconds, rounded up where it is random, and the records.
func (u *upstream) run(until instant.Time) (sent []string) {
	u.t.Helper()
	for {
		at := u.p.Deadline()
		if !at.IsDue(until) {
			u.now = until
			return sent
		}
		u.now = max(u.now, at)
		u.fx.Reset()
		u.p.Advance(u.now, &u.fx)
		for _, r := range u.fx.Reports {
			sent = append(sent, u.describe(r))
		}
	}
}

func (u *upstream) describe(r OutReport) string {
	u.t.Helper()
	var p Packet
	if err := p.Parse(r.Payload); err != nil {
		u.t.Fatal(err)
	}
	if p.Type != TypeReportV2 {
		return fmt.Sprintf("%v %v to %v", p.Type, p.Group, r.Dst)
	}
	if r.Dst != AllMLDv2Routers || len(r.Payload) > maxReport {
		u.t.Errorf("%d bytes to %v", len(r.Payload), r.Dst)
	}
	var s []string
	for _, gr := range p.Records {
		s = append(s, fmt.Sprintf("%v %v%v", gr.Type, gr.Group, gr.Sources))
	}
	return strings.Join(s, ", ")
}

func (u *upstream) want(f Filter) { u.p.Want(u.now, group1, f) }

func (u *upstream) query(q Query) {
	u.t.Helper()
	if q.Version == 0 {
		q.Version = 2
	}
	meta := Meta{Src: self, HopLimit: 1, RouterAlert: true}
	if err := u.p.Receive(u.now, meta, &Packet{Type: TypeQuery, Query: q}); err != nil {
		u.t.Fatal(err)
	}
}

func (u *upstream) expect(until instant.Time, want ...string) {
	u.t.Helper()
	if got := u.run(until); !slices.Equal(got, want) {
		u.t.Errorf("sent %q, want %q", got, want)
	}
}

func TestStateChanges(t *testing.T) {
	include := func(s ...netip.Addr) Filter { return Filter{Include, s} }
	exclude := func(s ...netip.Addr) Filter { return Filter{Exclude, s} }
	for _, tc := range []struct {
		name string
		want []Filter
		sent []string // after the last change, each record as often as it is repeated
	}{
		{"join", []Filter{exclude()}, []string{"TO_EX ff3e::8000:1[]", "TO_EX ff3e::8000:1[]"}},
		{"join a source", []Filter{include(s1)}, []string{"ALLOW ff3e::8000:1[2001:db8::1]", "ALLOW ff3e::8000:1[2001:db8::1]"}},
		{"leave", []Filter{exclude(), {}}, []string{"TO_IN ff3e::8000:1[]", "TO_IN ff3e::8000:1[]"}},
		{"leave a source", []Filter{include(s1, s2), include(s2)}, []string{"BLOCK ff3e::8000:1[2001:db8::1]", "BLOCK ff3e::8000:1[2001:db8::1]"}},
		{"leave the last source", []Filter{include(s1), {}}, []string{"BLOCK ff3e::8000:1[2001:db8::1]", "BLOCK ff3e::8000:1[2001:db8::1]"}},
		{"other source", []Filter{include(s1), include(s2)}, []string{
			"ALLOW ff3e::8000:1[2001:db8::2], BLOCK ff3e::8000:1[2001:db8::1]",
			"ALLOW ff3e::8000:1[2001:db8::2], BLOCK ff3e::8000:1[2001:db8::1]"}},
		{"widen", []Filter{include(s1), exclude(s2)}, []string{"TO_EX ff3e::8000:1[2001:db8::2]", "TO_EX ff3e::8000:1[2001:db8::2]"}},
		{"exclude another", []Filter{exclude(s1), exclude(s2)}, []string{
			"ALLOW ff3e::8000:1[2001:db8::1], BLOCK ff3e::8000:1[2001:db8::2]",
			"ALLOW ff3e::8000:1[2001:db8::1], BLOCK ff3e::8000:1[2001:db8::2]"}},
		{"nothing new", []Filter{exclude(s1), exclude(s1)}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u := newUpstream(t)
			for i, f := range tc.want {
				if i == len(tc.want)-1 {
					u.run(u.now.Add(5 * time.Second))
				}
				u.want(f)
			}
			u.expect(u.now.Add(5*time.Second), tc.sent...)
			if u.p.Deadline().IsSet() || u.p.Pending() != 0 {
				t.Error("not quiet after the repetitions")
			}
			if last := tc.want[len(tc.want)-1]; last.Empty() != (u.p.groups.Len() == 0) {
				t.Errorf("%d groups kept", u.p.groups.Len())
			}
		})
	}
}

func TestUnsentJoinIsTakenBack(t *testing.T) {
	u := newUpstream(t)
	u.want(Filter{Mode: Exclude})
	if u.p.Pending() != 1 || u.p.Joined() != 1 {
		t.Errorf("pending %d, joined %d", u.p.Pending(), u.p.Joined())
	}
	u.want(Filter{})
	if u.p.Pending() != 0 || u.p.Joined() != 0 {
		t.Errorf("pending %d, joined %d", u.p.Pending(), u.p.Joined())
	}
	u.expect(after(10 * time.Second))
}

func TestLinkBackAnnouncesAll(t *testing.T) {
	u := newUpstream(t)
	u.want(Filter{Include, []netip.Addr{s1}})
	u.run(after(5 * time.Second))
	u.p.SetLink(u.now, h1, false)
	if u.p.Pending() != 1 {
		t.Error("a group counts as joined over a dead link")
	}
	u.expect(after(10 * time.Second))
	u.p.SetLink(u.now, h1, true)
	u.expect(after(15*time.Second), "ALLOW ff3e::8000:1[2001:db8::1]", "ALLOW ff3e::8000:1[2001:db8::1]")
}

func TestPacking(t *testing.T) {
	u := newUpstream(t)
	for i := range 1000 {
		u.p.Want(after(0), groupNumber(i), Filter{Mode: Exclude})
	}
	u.now = after(0)
	u.p.Advance(after(0), &u.fx)
	if got, want := len(u.fx.Reports), (1000*recordHeaderSize+maxReport-1)/maxReport; got > want+1 {
		t.Errorf("%d reports, want at most %d", got, want+1)
	}
	var many []netip.Addr
	for i := range 200 {
		many = append(many, netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 14: byte(i >> 8), 15: byte(i)}))
	}
	u.run(after(5 * time.Second))
	u.want(Filter{Include, many})
	u.run(after(10 * time.Second))
	u.query(Query{Group: nobody, MaxResponse: time.Second})
	// A router that tracks this host by its answers knows the whole list.
	router := newRig(t, DefaultConfig())
	router.now = after(time.Minute)
	for _, s := range sentBetween(u, after(12*time.Second)) {
		var p Packet
		if err := p.Parse(s.Payload); err != nil {
			t.Fatal(err)
		}
		router.receive(h1, &p)
	}
	router.wantFilter(Include, many...)
}

func sentBetween(u *upstream, until instant.Time) (sent []OutReport) {
	for at := u.p.Deadline(); at.IsDue(until); at = u.p.Deadline() {
		u.fx.Reset()
		u.now = max(u.now, at)
		u.p.Advance(u.now, &u.fx)
		sent = append(sent, u.fx.Reports...)
	}
	u.now = until
	return sent
}

func groupNumber(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0xff, 0x1e, 12: byte(i >> 24), 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
}

func TestAnswers(t *testing.T) {
	other := addr("ff1e::5")
	for _, tc := range []struct {
		name    string
		queries []Query
		want    []string
	}{
		{"general", []Query{{Group: nobody}}, []string{"IS_IN ff3e::8000:1[2001:db8::1 2001:db8::2], IS_EX ff1e::5[2001:db8::3]"}},
		{"two general", []Query{{Group: nobody}, {Group: nobody}}, []string{"IS_IN ff3e::8000:1[2001:db8::1 2001:db8::2], IS_EX ff1e::5[2001:db8::3]"}},
		{"group", []Query{{Group: group1}}, []string{"IS_IN ff3e::8000:1[2001:db8::1 2001:db8::2]"}},
		{"unknown group", []Query{{Group: addr("ff1e::6")}}, nil},
		{"source", []Query{{Group: group1, Sources: []netip.Addr{s2, s3}}}, []string{"IS_IN ff3e::8000:1[2001:db8::2]"}},
		{"sources of two queries", []Query{{Group: group1, Sources: []netip.Addr{s2}}, {Group: group1, Sources: []netip.Addr{s1}}},
			[]string{"IS_IN ff3e::8000:1[2001:db8::1 2001:db8::2]"}},
		{"source, then group", []Query{{Group: group1, Sources: []netip.Addr{s2}}, {Group: group1}},
			[]string{"IS_IN ff3e::8000:1[2001:db8::1 2001:db8::2]"}},
		{"unwanted source", []Query{{Group: group1, Sources: []netip.Addr{s3}}}, nil},
		{"excluded source", []Query{{Group: other, Sources: []netip.Addr{s3}}}, nil},
		{"source that is not excluded", []Query{{Group: other, Sources: []netip.Addr{s2, s3}}}, []string{"IS_IN ff1e::5[2001:db8::2]"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u := newUpstream(t)
			u.want(Filter{Include, []netip.Addr{s1, s2}})
			u.p.Want(after(0), other, Filter{Exclude, []netip.Addr{s3}})
			u.run(after(10 * time.Second))
			for _, q := range tc.queries {
				q.MaxResponse = 5 * time.Second
				u.query(q)
			}
			u.expect(after(15*time.Second), tc.want...)
		})
	}
}

func TestV1Querier(t *testing.T) {
	u := newUpstream(t)
	u.want(Filter{Include, []netip.Addr{s1}})
	u.run(after(10 * time.Second))
	u.query(Query{Version: 1, Group: nobody, MaxResponse: 5 * time.Second})
	u.expect(after(20*time.Second), "ReportV1 ff3e::8000:1 to ff3e::8000:1")
	if v := u.p.version(u.now); v != 1 {
		t.Errorf("version %d", v)
	}
	other := addr("ff1e::5")
	u.p.Want(u.now, other, Filter{Mode: Exclude})
	u.expect(after(25*time.Second), "ReportV1 ff1e::5 to ff1e::5", "ReportV1 ff1e::5 to ff1e::5")
	u.p.Want(u.now, other, Filter{})
	u.expect(after(30*time.Second), "Done ff1e::5 to ff02::2")

	// The report of another host suppresses ours.
	u.query(Query{Version: 1, Group: group1, MaxResponse: 5 * time.Second})
	report := &Packet{Type: TypeReportV1, Query: Query{Version: 1, Group: group1}}
	if err := u.p.Receive(u.now, Meta{Src: h2, HopLimit: 1}, report); err != nil {
		t.Fatal(err)
	}
	u.expect(after(40 * time.Second))
	u.run(u.now.Add(300 * time.Second))
	if v := u.p.version(u.now); v != 2 {
		t.Errorf("version %d after the old querier fell silent", v)
	}
}

// A router that hears a proxy knows what the proxy wants, even if it misses one
// transmission of each change.
func TestProxyMeetsRouter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		u := newUpstream(t)
		cfg := DefaultConfig()
		cfg.PromptLeave = true
		x := newRig(t, cfg)
		filters := rapid.Custom(func(t *rapid.T) Filter {
			return Filter{FilterMode(rapid.IntRange(0, 1).Draw(t, "mode")),
				slices.DeleteFunc([]netip.Addr{s1, s2, s3}, func(netip.Addr) bool { return rapid.Bool().Draw(t, "drop") })}
		})
		lossy := rapid.Bool().Draw(rt, "lossy")
		for range rapid.IntRange(1, 12).Draw(rt, "changes") {
			u.want(filters.Draw(rt, "want"))
			until := u.now.Add(4 * time.Second)
			for i := 0; ; i++ {
				at := u.p.Deadline()
				if !at.IsDue(until) {
					break
				}
				u.now = max(u.now, at)
				u.fx.Reset()
				u.p.Advance(u.now, &u.fx)
				for _, r := range u.fx.Reports {
					var p Packet
					if err := p.Parse(r.Payload); err != nil {
						rt.Fatal(err)
					}
					if x.now = u.now; !lossy || i > 0 {
						x.receive(h1, &p)
					}
				}
			}
			u.now = until
			if got, want := x.r.Filter(group1), u.p.Wanted(group1); !got.Equal(want) {
				rt.Fatalf("router knows %v, proxy wants %v", got, want)
			}
		}
	})
}

func TestProxyDrops(t *testing.T) {
	good := Meta{Src: self, HopLimit: 1, RouterAlert: true}
	with := func(change func(*Meta)) Meta { m := good; change(&m); return m }
	query := &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: nobody, MaxResponse: time.Second}}
	for _, tc := range []struct {
		cause DropCause
		meta  Meta
		p     *Packet
	}{
		{DropHopLimit, with(func(m *Meta) { m.HopLimit = 64 }), query},
		{DropSource, with(func(m *Meta) { m.Src = s1 }), query},
		{DropOwn, with(func(m *Meta) { m.Src = h1 }), query},
		{DropRouterAlert, with(func(m *Meta) { m.RouterAlert = false }), query},
		{DropType, good, &Packet{Type: 133}},
	} {
		t.Run(tc.cause.String(), func(t *testing.T) {
			u := newUpstream(t)
			u.want(Filter{Mode: Exclude})
			u.run(after(5 * time.Second))
			cfg := DefaultConfig()
			cfg.RequireRouterAlert = true
			u.p.SetConfig(u.now, cfg)
			err := u.p.Receive(u.now, tc.meta, tc.p)
			if drop := new(DropError); !errors.As(err, &drop) || drop.Cause != tc.cause {
				t.Fatalf("error %v", err)
			}
			for c, n := range u.p.Counters().Drops.All() {
				if (c == tc.cause) != (n == 1) {
					t.Errorf("%v counted %d", c, n)
				}
			}
			u.expect(after(20 * time.Second))
		})
	}
}
