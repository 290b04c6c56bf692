package pim

import (
	"net/netip"
	"testing"
	"time"
)

// TestSourceJoin: the life of a tree of a source (section 4.5.5): it is joined at once,
// refreshed each minute, and pruned when no listener wants it.
func TestSourceJoin(t *testing.T) {
	x := settled(t, testConfig())
	x.want(ssm1, Wants{Sources: []netip.Addr{s1}})
	if !x.roots[s1] || x.r.Joined() != 1 || x.r.Pending() != 1 {
		t.Fatalf("asks for %v; joined %d, pending %d", x.roots, x.r.Joined(), x.r.Pending())
	}
	x.run(time.Second)
	x.expect("without a route")
	x.route(s1, via("a", n1))
	x.run(0)
	x.expect("with a route", "a fe80::a: +2001:db8::1,ff3e::8000:1")
	if x.r.Pending() != 0 {
		t.Error("still pending")
	}
	if up, ok := x.r.Incoming(s1, ssm1); !ok || up != (Hop{Interface: "a", Neighbor: n1}) {
		t.Errorf("comes from %v, %v", up, ok)
	}
	x.run(61 * time.Second)
	x.expect("refresh", "a fe80::a: +2001:db8::1,ff3e::8000:1")
	x.want(ssm1, Wants{})
	x.run(0)
	x.expect("leave", "a fe80::a: -2001:db8::1,ff3e::8000:1")
	if len(x.roots) != 0 || x.r.groups.Len() != 0 || x.r.trees.Len() != 0 || x.r.Joined() != 0 {
		t.Errorf("left over: roots %v, %d groups, %d trees", x.roots, x.r.groups.Len(), x.r.trees.Len())
	}
	x.run(time.Hour)
	x.expect("later")
}

// TestRouteChange: when the route changes, the new neighbor gets a join and the old one a
// prune at once. A neighbor that is gone gets nothing.
func TestRouteChange(t *testing.T) {
	x := settled(t, testConfig())
	x.want(ssm1, Wants{Sources: []netip.Addr{s1}})
	x.route(s1, via("a", n1))
	x.run(0)
	x.sentSince()
	x.route(s1, via("b", n1))
	x.run(0)
	x.expect("other interface", "a fe80::a: -2001:db8::1,ff3e::8000:1", "b fe80::a: +2001:db8::1,ff3e::8000:1")
	x.route(s1, via("b", n1), via("a", n2))
	x.run(0)
	x.sentSince()
	for _, at := range []NextHop{via("b", n1), via("a", n2)} {
		x.r.LoseNeighbor(x.now, at.Interface, at.Gateway, &x.fx)
		x.run(0)
		if up, ok := x.r.Incoming(s1, ssm1); up == (Hop{Interface: at.Interface, Neighbor: at.Gateway}) {
			t.Errorf("comes from the lost neighbor: %v, %v", up, ok)
		}
		x.meet(at.Interface, at.Gateway)
		x.run(0)
	}
	x.sentSince()
	x.route(s1)
	x.run(0)
	if x.r.Pending() != 1 {
		t.Error("no route, and nothing is pending")
	}
	if _, ok := x.r.Incoming(s1, ssm1); ok {
		t.Error("comes without a route")
	}
	x.sentSince()
	x.route(s1, NextHop{Interface: "a"})
	x.run(time.Minute)
	x.expect("connected source")
	if up, ok := x.r.Incoming(s1, ssm1); !ok || !up.Connected || x.r.Pending() != 0 {
		t.Errorf("connected source: %v, %v", up, ok)
	}
}

// TestWays: of several equal next hops, each tree takes the one with the highest hash,
// and the loss of a next hop moves only its own trees.
func TestWays(t *testing.T) {
	x := settled(t, testConfig())
	where := func() map[netip.Addr]Hop {
		m := map[netip.Addr]Hop{}
		for _, tree := range x.r.Trees(x.now) {
			m[tree.Group] = tree.Upstream
		}
		return m
	}
	for i := range 300 {
		x.want(netip.AddrFrom16([16]byte{0xff, 0x3e, 14: byte(i >> 8), 15: byte(i)}), Wants{Sources: []netip.Addr{s1}})
	}
	x.route(s1, via("a", n1), via("a", n2))
	count, before := map[Hop]int{}, where()
	for _, h := range before {
		count[h]++
	}
	for h, n := range count {
		if n < 100 {
			t.Errorf("%d of 300 trees by %v", n, h)
		}
	}
	x.r.LoseNeighbor(x.now, "a", n2, &x.fx)
	for g, h := range where() {
		if h.Neighbor != n1 || before[g].Neighbor == n1 && h != before[g] {
			t.Errorf("%v moved from %v to %v", g, before[g], h)
		}
	}
}

// TestRestartedNeighbor: a neighbor that has restarted gets the joins again within the
// override interval.
func TestRestartedNeighbor(t *testing.T) {
	x := settled(t, testConfig())
	x.want(ssm1, Wants{Sources: []netip.Addr{s1}})
	x.route(s1, via("a", n1))
	x.run(10 * time.Second)
	x.sentSince()
	x.hear("a", n1, helloOf(8))
	x.run(2500 * time.Millisecond)
	x.expect("after another generation ID", "a fe80::a: +2001:db8::1,ff3e::8000:1")
}

// TestOverheard: a join of another router delays this router's join; a prune of another
// router makes this router send its join soon (sections 4.5.4 and 4.5.5).
func TestOverheard(t *testing.T) {
	source, star := sourceEntry("2001:db8::1", ""), sourceEntry("2001:db8::99", "*")
	rpt := sourceEntry("2001:db8::1", "rpt")
	record := func(g netip.Addr, joins, prunes []Source) *JoinPrune {
		return &JoinPrune{Upstream: n1, HoldTime: 210 * time.Second, Groups: []GroupRecord{{group(g), joins, prunes}}}
	}
	const soon = 2500 * time.Millisecond
	for _, tc := range []struct {
		name  string
		heard *JoinPrune
		from  time.Duration // time from the message to the next join
		to    time.Duration
		sent  string
	}{
		{"join", record(ssm1, []Source{source}, nil), 66 * time.Second, 84 * time.Second, "a fe80::a: +2001:db8::1,ff3e::8000:1"},
		{"short join", &JoinPrune{Upstream: n1, HoldTime: time.Second, Groups: record(ssm1, []Source{source}, nil).Groups}, 19 * time.Second, 20 * time.Second, "a fe80::a: +2001:db8::1,ff3e::8000:1"},
		{"prune", record(ssm1, nil, []Source{source}), 0, soon, "a fe80::a: +2001:db8::1,ff3e::8000:1"},
		{"join at another router", &JoinPrune{Upstream: n2, HoldTime: 210 * time.Second, Groups: record(ssm1, []Source{source}, nil).Groups}, 19 * time.Second, 20 * time.Second, "a fe80::a: +2001:db8::1,ff3e::8000:1"},
		{"join of the shared tree", record(asm1, []Source{star}, nil), 66 * time.Second, 84 * time.Second, "a fe80::a: +*(2001:db8::99),ff1e::1"},
		{"prune of the shared tree", record(asm1, nil, []Source{star}), 0, soon, "a fe80::a: +*(2001:db8::99),ff1e::1"},
		{"prune of a source from the shared tree", record(asm1, nil, []Source{rpt}), 0, soon, "a fe80::a: +*(2001:db8::99),ff1e::1 +2001:db8::1(rpt),ff1e::1"},
		{"prune of a source", record(asm1, nil, []Source{source}), 0, soon, "a fe80::a: +*(2001:db8::99),ff1e::1 +2001:db8::1(rpt),ff1e::1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := settled(t, testConfig())
			if tc.heard.Groups[0].Group.Addr() == ssm1 {
				x.want(ssm1, Wants{Sources: []netip.Addr{s1}})
				x.route(s1, via("a", n1))
			} else {
				x.want(asm1, Wants{Any: true})
				x.route(rp1, via("a", n1))
			}
			x.run(40 * time.Second)
			x.sentSince()
			if err := x.hear("a", n2, tc.heard); err != nil {
				t.Fatal(err)
			}
			x.run(tc.from)
			x.expect("too early")
			x.run(tc.to - tc.from)
			x.expect("in time", tc.sent)
		})
	}
}

// TestOverrideIsCalledOff: the override of a prune is not sent if another router has sent
// one.
func TestOverrideIsCalledOff(t *testing.T) {
	x := settled(t, testConfig())
	x.want(asm1, Wants{Any: true})
	x.route(rp1, via("a", n1))
	x.run(10 * time.Second)
	x.sentSince()
	rpt := []Source{sourceEntry("2001:db8::1", "rpt")}
	x.hear("a", n2, &JoinPrune{Upstream: n1, Groups: []GroupRecord{{Group: group(asm1), Prunes: rpt}}})
	x.hear("a", n2, &JoinPrune{Upstream: n1, Groups: []GroupRecord{{Group: group(asm1), Joins: rpt}}})
	x.run(3 * time.Second)
	x.expect("after another router's join")
}

// TestTracking: if all routers track joins, joins are not suppressed (section 4.3.3).
func TestTracking(t *testing.T) {
	x := settled(t, testConfig())
	cfg := DefaultInterfaceConfig()
	cfg.Tracking = true
	x.r.SetInterface(x.now, "a", cfg, upLink, &x.fx)
	for _, n := range []netip.Addr{n1, n2} {
		h := helloOf(7)
		h.PruneDelay = &PruneDelay{true, time.Second, 4 * time.Second}
		x.hear("a", n, h)
	}
	x.want(ssm1, Wants{Sources: []netip.Addr{s1}})
	x.route(s1, via("a", n1))
	x.run(time.Second)
	x.sentSince()
	x.hear("a", n2, &JoinPrune{Upstream: n1, HoldTime: 210 * time.Second,
		Groups: []GroupRecord{{Group: group(ssm1), Joins: []Source{sourceEntry("2001:db8::1", "")}}}})
	x.run(60 * time.Second)
	x.expect("refresh in time", "a fe80::a: +2001:db8::1,ff3e::8000:1")
}

// TestPacking: few messages carry many joins, none is longer than the link's MTU, and
// joins that were sent together are refreshed together.
func TestPacking(t *testing.T) {
	x := settled(t, testConfig())
	for i := range 10_000 {
		x.want(netip.AddrFrom16([16]byte{0xff, 0x3e, 14: byte(i >> 8), 15: byte(i)}), Wants{Sources: []netip.Addr{s1}})
	}
	x.route(s1, via("a", n1))
	for _, step := range []time.Duration{0, 61 * time.Second} {
		x.run(step)
		joins, messages := 0, 0
		for _, p := range x.sent {
			if m, is := x.parse(p).(*JoinPrune); is {
				messages++
				for _, g := range m.Groups {
					joins += len(g.Joins)
				}
			}
			if len(p.Payload) > 1500-40 {
				t.Errorf("a message of %d bytes", len(p.Payload))
			}
		}
		if x.sent = nil; joins != 10_000 || messages > 10_000/31+1 {
			t.Errorf("after %v: %d joins in %d messages", step, joins, messages)
		}
	}
}

// TestSecondaryAddress: the next hop may be any address of a neighbor, and messages to
// any of them are noticed (section 4.3.4).
func TestSecondaryAddress(t *testing.T) {
	x := settled(t, testConfig())
	global := addr("2001:db8:5::1")
	x.want(ssm1, Wants{Sources: []netip.Addr{s1}})
	x.route(s1, via("a", global))
	if x.run(0); x.r.Pending() != 1 {
		t.Error("joined at an address of nobody")
	}
	h := helloOf(7)
	h.Addresses = []netip.Addr{global}
	x.hear("a", n1, h)
	x.run(0)
	x.expect("by another address", "a fe80::a: +2001:db8::1,ff3e::8000:1")
	x.hear("a", n2, &JoinPrune{Upstream: global, Groups: []GroupRecord{{Group: group(ssm1), Prunes: []Source{sourceEntry("2001:db8::1", "")}}}})
	x.run(2500 * time.Millisecond)
	x.expect("override", "a fe80::a: +2001:db8::1,ff3e::8000:1")
}

// TestManyPruned: a shared tree and the sources that are pruned from it are in one
// message. If they do not fit, some of the sources are left out (section 4.9.5.2).
func TestManyPruned(t *testing.T) {
	x := settled(t, testConfig())
	var many []netip.Addr
	for i := range 200 {
		many = append(many, netip.AddrFrom16([16]byte{0x20, 1, 14: 1, 15: byte(i)}))
	}
	x.want(asm1, Wants{Any: true, Sources: many})
	x.route(rp1, via("a", n1))
	x.run(0)
	if len(x.sent) != 1 || len(x.sent[0].Payload) > 1460 || len(x.sent[0].Payload) < 1400 {
		t.Errorf("%d messages", len(x.sent))
	}
	x.sent = nil
	x.want(asm1, Wants{Any: true})
	x.run(0)
	joins := 0
	for _, p := range x.sent {
		for _, g := range x.parse(p).(*JoinPrune).Groups {
			joins += len(g.Joins)
		}
	}
	if joins != 200+1 {
		t.Errorf("%d joins, want those of the shared tree and of 200 sources that are wanted again", joins)
	}
}

// TestBlocks: a shared tree and its pruned sources are in one message, even if the
// message before has room for a part of them.
func TestBlocks(t *testing.T) {
	x := settled(t, testConfig())
	excluded := []netip.Addr{s1, s2, addr("2001:db8::3")}
	for i := range 100 {
		x.want(netip.AddrFrom16([16]byte{0xff, 0x1e, 15: byte(i)}), Wants{Any: true, Sources: excluded})
	}
	x.route(rp1, via("a", n1))
	x.run(0)
	shared := 0
	for _, p := range x.sent {
		for _, g := range x.parse(p).(*JoinPrune).Groups {
			if len(g.Joins) == 1 && g.Joins[0].Wildcard && len(g.Prunes) == 3 {
				shared++
			}
		}
	}
	if shared != 100 {
		t.Errorf("%d of 100 shared trees are joined together with their prunes", shared)
	}
}

// TestJoinAll: every joined tree is joined once more, and refreshed at its usual time.
func TestJoinAll(t *testing.T) {
	x := settled(t, testConfig())
	x.want(ssm1, Wants{Sources: []netip.Addr{s1}})
	x.want(asm1, Wants{Any: true})
	x.route(s1, via("a", n1))
	x.route(rp1, via("b", n1))
	x.run(10 * time.Second)
	x.sentSince()
	x.r.JoinAll(x.now)
	x.run(0)
	x.expect("again", "a fe80::a: +2001:db8::1,ff3e::8000:1", "b fe80::a: +*(2001:db8::99),ff1e::1")
	x.run(58 * time.Second)
	x.expect("no refresh yet")
}
