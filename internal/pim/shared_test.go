package pim

import (
	"net/netip"
	"testing"
	"time"
)

// onShared returns a rig that has joined the shared tree of asm1 at n1 on a.
func onShared(t *testing.T, cfg Config, w Wants) *rig {
	x := settled(t, cfg)
	x.want(asm1, w)
	x.route(rp1, via("a", n1))
	x.run(0)
	return x
}

// TestSharedTree: the life of a shared tree (section 4.5.4).
func TestSharedTree(t *testing.T) {
	x := onShared(t, testConfig(), Wants{Any: true})
	x.expect("join", "a fe80::a: +*(2001:db8::99),ff1e::1")
	if up, ok := x.r.Incoming(s1, asm1); !ok || up.Neighbor != n1 {
		t.Errorf("any source comes from %v, %v", up, ok)
	}
	x.run(61 * time.Second)
	x.expect("refresh", "a fe80::a: +*(2001:db8::99),ff1e::1")
	x.want(asm1, Wants{Sources: []netip.Addr{s1}})
	x.run(0)
	x.expect("one source only, without a route", "a fe80::a: -*(2001:db8::99),ff1e::1")
	x.want(asm1, Wants{})
	if len(x.roots) != 0 || x.r.trees.Len() != 0 {
		t.Errorf("left over: %v, %d trees", x.roots, x.r.trees.Len())
	}
}

// TestNotServed: SSM groups have no shared tree, and groups of link scope have no tree.
func TestNotServed(t *testing.T) {
	x := settled(t, testConfig())
	for _, g := range []netip.Addr{ssm1, addr("ff02::1"), addr("ff01::1"), s1} {
		x.want(g, Wants{Any: true})
	}
	x.run(time.Minute)
	if x.expect("not served"); x.r.trees.Len() != 0 || len(x.roots) != 0 {
		t.Errorf("%d trees, roots %v", x.r.trees.Len(), x.roots)
	}
}

// TestExcludedSource: a source that no listener wants is pruned from the shared tree, and
// the prune is in each join of the shared tree (sections 4.5.6 and 4.5.7).
func TestExcludedSource(t *testing.T) {
	x := onShared(t, testConfig(), Wants{Any: true, Sources: []netip.Addr{s1}})
	x.expect("join", "a fe80::a: +*(2001:db8::99),ff1e::1 -2001:db8::1(rpt),ff1e::1")
	x.run(61 * time.Second)
	x.expect("refresh", "a fe80::a: +*(2001:db8::99),ff1e::1 -2001:db8::1(rpt),ff1e::1")
	x.want(asm1, Wants{Any: true, Sources: []netip.Addr{s1, s2}})
	x.run(0)
	x.expect("one more", "a fe80::a: +*(2001:db8::99),ff1e::1 -2001:db8::1(rpt),ff1e::1 -2001:db8::2(rpt),ff1e::1")
	x.want(asm1, Wants{Any: true, Sources: []netip.Addr{s2}})
	x.run(0)
	x.expect("one is wanted", "a fe80::a: +*(2001:db8::99),ff1e::1 +2001:db8::1(rpt),ff1e::1 -2001:db8::2(rpt),ff1e::1")
	if _, ok := x.r.Incoming(s2, asm1); ok {
		t.Error("an excluded source comes")
	}
	x.want(asm1, Wants{})
	x.run(0)
	x.expect("leave", "a fe80::a: -*(2001:db8::99),ff1e::1")
	if x.r.trees.Len() != 0 {
		t.Errorf("%d trees left", x.r.trees.Len())
	}
}

// TestSwitchToSourceTree: the first packet on the shared tree causes a join of the
// source's tree. The first packet on that tree causes the source to be pruned from the
// shared tree. After 210 s without packets both are undone (sections 4.2.1 and 4.2.2).
func TestSwitchToSourceTree(t *testing.T) {
	x := onShared(t, testConfig(), Wants{Any: true})
	x.sentSince()
	x.flow(s1, asm1, "b")
	x.run(0)
	if x.expect("a packet from elsewhere"); x.roots[s1] {
		t.Error("asks for a source that does not come on the shared tree")
	}
	x.flow(s1, asm1, "a")
	if !x.roots[s1] {
		t.Fatal("does not ask for the source")
	}
	x.route(s1, via("b", n1))
	x.run(0)
	x.expect("first packet", "b fe80::a: +2001:db8::1,ff1e::1")
	if up, _ := x.r.Incoming(s1, asm1); up.Interface != "a" {
		t.Errorf("comes from %v before the first packet there", up)
	}
	x.flow(s1, asm1, "b")
	x.run(0)
	x.expect("first packet on the source's tree", "a fe80::a: +*(2001:db8::99),ff1e::1 -2001:db8::1(rpt),ff1e::1")
	if up, _ := x.r.Incoming(s1, asm1); up.Interface != "b" {
		t.Errorf("comes from %v", up)
	}
	x.run(61 * time.Second)
	x.expect("refresh of both", "a fe80::a: +*(2001:db8::99),ff1e::1 -2001:db8::1(rpt),ff1e::1", "b fe80::a: +2001:db8::1,ff1e::1")
	x.run(60 * time.Second)
	x.flow(s1, asm1, "b")
	x.run(209 * time.Second)
	x.sentSince()
	if up, _ := x.r.Incoming(s1, asm1); up.Interface != "b" {
		t.Error("given up too early")
	}
	x.run(time.Second)
	x.expect("silence", "a fe80::a: +*(2001:db8::99),ff1e::1 +2001:db8::1(rpt),ff1e::1", "b fe80::a: -2001:db8::1,ff1e::1")
	if x.roots[s1] || x.r.trees.Len() != 1 {
		t.Errorf("the source is not forgotten: %d trees", x.r.trees.Len())
	}
}

// TestSameWay: if both trees come from the same neighbor, nothing is pruned.
func TestSameWay(t *testing.T) {
	x := onShared(t, testConfig(), Wants{Any: true})
	x.flow(s1, asm1, "a")
	x.route(s1, via("a", n1))
	x.run(0)
	x.sentSince()
	x.flow(s1, asm1, "a")
	x.run(0)
	x.expect("both from n1")
	for _, tree := range x.r.Trees(x.now) {
		if tree.Source == s1 && !tree.SPT {
			t.Error("not on the tree of the source")
		}
	}
}

// TestStayShared: with a switch threshold of infinity, streams stay on the shared tree.
func TestStayShared(t *testing.T) {
	cfg := testConfig()
	cfg.StayShared = []netip.Prefix{netip.MustParsePrefix("ff1e::/16")}
	x := onShared(t, cfg, Wants{Any: true})
	if x.flow(s1, asm1, "a"); x.roots[s1] {
		t.Error("switches")
	}
}

// TestBound: packets of many sources do not cause more trees than the bound.
func TestBound(t *testing.T) {
	cfg := testConfig()
	cfg.MaxSources = 10
	x := onShared(t, cfg, Wants{Any: true})
	many := func(i int) netip.Addr { return netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)}) }
	for i := range 100 {
		x.flow(many(i), asm1, "a")
	}
	if n := x.r.trees.Len(); n != 11 {
		t.Errorf("%d trees", n)
	}
	x.run(300 * time.Second)
	if x.flow(many(50), asm1, "a"); x.r.trees.Len() != 2 {
		t.Errorf("%d trees after they have ended", x.r.trees.Len())
	}
}

// TestRPMapping: which RP a group has (RFC 3956; section 4.7.1), and what is sent when it
// changes.
func TestRPMapping(t *testing.T) {
	cfg := DefaultConfig()
	other, wide := addr("2001:db8::98"), addr("2001:db8::97")
	cfg.StaticRPs = []StaticRP{
		{RP: rp1, Groups: []netip.Prefix{netip.MustParsePrefix("ff1e::/16")}},
		{RP: other, Groups: []netip.Prefix{netip.MustParsePrefix("ff1e::/32"), netip.MustParsePrefix("ff15::/16")}},
		{RP: wide},
	}
	x := settled(t, cfg)
	for group, want := range map[string]netip.Addr{
		"ff1e:1::1":                 rp1,
		"ff1e::1":                   other,
		"ff15::1":                   other,
		"ff18::1":                   wide,
		"ff7e:240:2001:db8:1:2:0:1": addr("2001:db8:1:2::2"),
		"ff75:f20:2001:db8:1:2:0:1": addr("2001:db8::f"),
		"ff7e:40:2001:db8:1:2:0:1":  wide, // no interface ID
		"ff7e:200:2001:db8:1:2:0:1": wide, // no prefix
		"ff7e:241:2001:db8:1:2:0:1": wide, // a prefix that is too long
		"ff3e:240:2001:db8:1:2:0:1": wide, // R bit not set
	} {
		if got := x.r.rpFor(addr(group)); got != want {
			t.Errorf("RP of %s is %v, want %v", group, got, want)
		}
	}
	cfg.EmbeddedRP = false
	x.r.SetConfig(x.now, cfg, &x.fx)
	if got := x.r.rpFor(addr("ff7e:240:2001:db8:1:2:0:1")); got != wide {
		t.Errorf("without embedded RP: %v", got)
	}

	x.want(asm1, Wants{Any: true})
	x.route(other, via("a", n1))
	x.run(0)
	x.expect("first RP", "a fe80::a: +*(2001:db8::98),ff1e::1")
	cfg.StaticRPs = cfg.StaticRPs[:1]
	x.r.SetConfig(x.now, cfg, &x.fx)
	x.effects()
	x.route(rp1, via("b", n1))
	x.run(0)
	x.expect("another RP by another neighbor", "a fe80::a: -*(2001:db8::98),ff1e::1", "b fe80::a: +*(2001:db8::99),ff1e::1")
	if x.roots[other] {
		t.Error("the old RP is not forgotten")
	}
	cfg.StaticRPs = nil
	x.r.SetConfig(x.now, cfg, &x.fx)
	x.effects()
	x.run(0)
	x.expect("no RP", "b fe80::a: -*(2001:db8::99),ff1e::1")
	if x.r.Pending() != 1 || len(x.roots) != 0 {
		t.Errorf("pending %d, roots %v", x.r.Pending(), x.roots)
	}
}

// TestAssert: the winner of an assert is joined in place of the neighbor by the routes,
// until it goes, cancels, or sends no assert for 180 s (section 4.6).
func TestAssert(t *testing.T) {
	better, worse := Metric{Preference: 10, Cost: 1}, Metric{Preference: 10, Cost: 2}
	for _, tc := range []struct {
		name string
		end  func(x *rig)
		wait time.Duration
	}{
		{"expires", func(*rig) {}, assertTime},
		{"cancelled", func(x *rig) {
			x.hear("a", n2, &Assert{Group: group(ssm1), Source: s1, Metric: infinite})
		}, 0},
		{"winner gone", func(x *rig) { x.r.LoseNeighbor(x.now, "a", n2, &x.fx) }, 0},
		{"winner restarted", func(x *rig) { x.hear("a", n2, helloOf(9)) }, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := settled(t, testConfig())
			x.want(ssm1, Wants{Sources: []netip.Addr{s1}})
			x.route(s1, via("a", n1))
			x.run(10 * time.Second)
			x.sentSince()
			x.hear("a", n1, &Assert{Group: group(ssm1), Source: s1, Metric: worse})
			x.run(10 * time.Second)
			x.expect("the neighbor itself has won")
			x.hear("a", n2, &Assert{Group: group(ssm1), Source: s1, Metric: better})
			x.hear("a", n1, &Assert{Group: group(ssm1), Source: s1, Metric: worse})
			x.run(2500 * time.Millisecond)
			x.expect("another router has won", "a fe80::b: +2001:db8::1,ff3e::8000:1")
			if up, _ := x.r.Incoming(s1, ssm1); up.Neighbor != n2 {
				t.Errorf("comes from %v", up)
			}
			x.run(time.Second)
			tc.end(x)
			x.effects()
			x.run(tc.wait)
			if up, _ := x.r.Incoming(s1, ssm1); up.Neighbor != n1 {
				t.Errorf("comes from %v in the end", up)
			}
			x.run(2500 * time.Millisecond)
			if got := x.sentSince(); len(got) == 0 || got[len(got)-1] != "a fe80::a: +2001:db8::1,ff3e::8000:1" {
				t.Errorf("sent %q", got)
			}
		})
	}
}

// TestAssertOnSharedTree: the R bit says which tree an assert is about (sections 4.6.1
// and 4.6.2). A source that another router forwards is pruned at the router that forwards
// the rest.
func TestAssertOnSharedTree(t *testing.T) {
	x := onShared(t, testConfig(), Wants{Any: true})
	x.sentSince()
	x.hear("a", n2, &Assert{Group: group(asm1), Metric: Metric{RPT: true, Preference: 1, Cost: 1}})
	x.run(2500 * time.Millisecond)
	x.expect("(*,G)", "a fe80::b: +*(2001:db8::99),ff1e::1")
	x.hear("a", n2, &Assert{Group: group(asm1), Metric: infinite})
	x.run(2500 * time.Millisecond)
	x.expect("cancelled", "a fe80::a: +*(2001:db8::99),ff1e::1")
	x.hear("a", n2, &Assert{Group: group(asm1), Source: s1, Metric: Metric{Preference: 1, Cost: 1}})
	x.run(61 * time.Second)
	x.expect("(S,G)", "a fe80::a: +*(2001:db8::99),ff1e::1 -2001:db8::1(rpt),ff1e::1")
	x.run(assertTime)
	if x.r.trees.Len() != 1 {
		t.Errorf("%d trees after the assert has expired", x.r.trees.Len())
	}
}

// TestMetrics: the order of metrics (section 4.6.3).
func TestMetrics(t *testing.T) {
	order := []struct {
		m    Metric
		from netip.Addr
	}{
		{Metric{false, 1, 5}, n1},
		{Metric{false, 2, 1}, n1},
		{Metric{false, 2, 2}, n2},
		{Metric{false, 2, 2}, n1},
		{Metric{true, 1, 1}, n2},
		{infinite, n1},
	}
	for i, a := range order {
		for j, b := range order {
			if got := a.m.beats(a.from, b.m, b.from); got != (i < j) {
				t.Errorf("%v of %v beats %v of %v: %v", a.m, a.from, b.m, b.from, got)
			}
		}
	}
}
