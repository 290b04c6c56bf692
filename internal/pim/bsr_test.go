package pim

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

var bsr1, bsr2 = addr("2001:db8::b1"), addr("2001:db8::b2")

// bootstrapOf returns a Bootstrap of a bootstrap router, with RPs for ff1e::/16.
func bootstrapOf(bsr netip.Addr, priority uint8, rps ...netip.Addr) *Bootstrap {
	r := RPRange{Group: GroupRange{Prefix: netip.MustParsePrefix("ff1e::/16")}, Count: uint8(len(rps))}
	for _, rp := range rps {
		r.RPs = append(r.RPs, RPEntry{RP: rp, HoldTime: 150 * time.Second})
	}
	return &Bootstrap{FragmentTag: 7, HashMaskLen: 126, Priority: priority, BSR: bsr, Ranges: []RPRange{r}}
}

func cause(err error) DropCause {
	var drop *DropError
	if errors.As(err, &drop) {
		return drop.Cause
	}
	return accepted
}

// bootstraps counts the Bootstraps that were sent since the last call.
func (x *rig) bootstraps() (n int) {
	for _, p := range x.sent {
		if _, is := x.parse(p).(*Bootstrap); is {
			n++
		}
	}
	x.sent = nil
	return n
}

// TestBootstrap: a Bootstrap is accepted and forwarded if it comes from the next hop
// towards its bootstrap router, and no better router is known (RFC 5059, sections 3.1.2
// to 3.1.5).
func TestBootstrap(t *testing.T) {
	x := settled(t, DefaultConfig())
	x.want(asm1, Wants{Any: true})
	x.run(time.Hour)
	x.sent = nil
	rp := func() netip.Addr { return x.r.rpFor(asm1) }
	if err := x.hear("a", n1, bootstrapOf(bsr1, 10, rp1)); err != nil || rp().IsValid() {
		t.Errorf("before its route is known: %v, RP %v", err, rp())
	}
	if x.route(bsr1, via("a", n2)); rp().IsValid() {
		t.Errorf("from another direction: RP %v", rp())
	}
	if x.roots[bsr1] || x.bootstraps() != 0 {
		t.Error("what is refused leaves a trace")
	}
	x.hear("a", n1, bootstrapOf(bsr1, 10, rp1))
	x.route(bsr1, via("a", n1))
	if rp() != rp1 || !x.roots[rp1] || x.bootstraps() != 2 {
		t.Errorf("RP %v, asks for %v", rp(), x.roots)
	}
	if c := cause(x.hear("a", n2, bootstrapOf(bsr1, 10, rp1))); c != DropRPF {
		t.Errorf("known router from another direction: %v", c)
	}
	if c := cause(x.hear("a", n1, bootstrapOf(bsr2, 9, s1))); c != DropPreferred {
		t.Errorf("lower priority: %v", c)
	}
	quick := bootstrapOf(bsr1, 10, s1)
	quick.NoForward = true
	if c := cause(x.hear("a", n1, quick)); c != DropRPF {
		t.Errorf("a message for those that start, an hour later: %v", c)
	}
	x.sent = nil
	x.hear("a", n1, bootstrapOf(bsr2, 10, s2))
	x.route(bsr2, via("a", n1))
	if rp() != s2 || x.roots[bsr1] || x.bootstraps() != 2 {
		t.Errorf("higher address: RP %v, asks for %v", rp(), x.roots)
	}
	x.run(130 * time.Second)
	if x.roots[bsr2] || rp() != s2 {
		t.Errorf("a bootstrap router that is silent: RP %v, asks for %v", rp(), x.roots)
	}
	x.run(20 * time.Second)
	if rp().IsValid() || len(x.roots) != 0 || len(x.r.bootstrap.kept.Zones) != 0 {
		t.Errorf("an RP that has expired: %v, asks for %v", rp(), x.roots)
	}
}

// TestQuickBootstrap: a router that has just started accepts a Bootstrap with the N bit
// from any neighbor, and does not forward it (RFC 5059, section 3.1.3).
func TestQuickBootstrap(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.meet("a", n1)
	quick := bootstrapOf(bsr1, 10, rp1)
	quick.NoForward = true
	if err := x.hear("a", n1, quick); err != nil || x.r.rpFor(asm1) != rp1 || x.bootstraps() != 0 {
		t.Errorf("%v, RP %v", err, x.r.rpFor(asm1))
	}
	if c := cause(x.hear("a", n1, quick)); c != DropRPF {
		t.Errorf("the second one: %v", c)
	}
}

// TestFragments: the RPs of a range are used when all fragments have come (RFC 5059,
// section 3.4).
func TestFragments(t *testing.T) {
	x := settled(t, DefaultConfig())
	x.hear("a", n1, bootstrapOf(bsr1, 10, rp1))
	x.route(bsr1, via("a", n1))
	half := func(tag uint16, rp netip.Addr) *Bootstrap {
		m := bootstrapOf(bsr1, 10, rp)
		m.FragmentTag, m.Ranges[0].Count = tag, 2
		return m
	}
	x.hear("a", n1, half(8, s1))
	x.hear("a", n1, half(9, s2))
	if got := x.r.rpFor(asm1); got != rp1 {
		t.Errorf("halves of two messages give %v", got)
	}
	x.hear("a", n1, half(9, s1))
	if got := x.r.rpFor(asm1); got != s1 && got != s2 {
		t.Errorf("a whole set gives %v", got)
	}
	none := bootstrapOf(bsr1, 10)
	none.FragmentTag = 10
	x.hear("a", n1, none)
	if got := x.r.rpFor(asm1); got.IsValid() {
		t.Errorf("no RP gives %v", got)
	}
}

// TestLearntRP: which of several RPs a group gets (sections 4.7.1 and 4.7.2).
func TestLearntRP(t *testing.T) {
	x := settled(t, DefaultConfig())
	m := bootstrapOf(bsr1, 10, s1, s2)
	m.Ranges = append(m.Ranges, RPRange{Group: GroupRange{Prefix: netip.MustParsePrefix("ff1e:1::/32")}, Count: 2,
		RPs: []RPEntry{{rp1, time.Minute, 5}, {s1, time.Minute, 6}}},
		RPRange{Group: GroupRange{Prefix: netip.MustParsePrefix("ff1e:2::/32"), Bidir: true}, Count: 1, RPs: []RPEntry{{rp1, time.Minute, 0}}})
	x.hear("a", n1, m)
	x.route(bsr1, via("a", n1))
	if got := x.r.rpFor(addr("ff1e:1::1")); got != rp1 {
		t.Errorf("longest range, lowest priority: %v", got)
	}
	if got := x.r.rpFor(addr("ff1e:2::1")); got == rp1 {
		t.Error("an RP of bidirectional PIM")
	}
	count := map[netip.Addr]int{}
	for i := range 64 {
		g := netip.AddrFrom16([16]byte{0xff, 0x1e, 15: byte(4 * i)})
		first := x.r.rpFor(g)
		for j := range 4 {
			if got := x.r.rpFor(netip.AddrFrom16([16]byte{0xff, 0x1e, 15: byte(4*i + j)})); got != first {
				t.Errorf("groups under one hash mask have %v and %v", first, got)
			}
		}
		count[first]++
	}
	if count[s1] < 10 || count[s2] < 10 || count[s1]+count[s2] != 64 {
		t.Errorf("the hash gives %v", count)
	}

	cfg := DefaultConfig()
	cfg.StaticRPs = []StaticRP{{RP: bsr2}}
	x.r.SetConfig(x.now, cfg, &x.fx)
	x.effects()
	if got := x.r.rpFor(addr("ff1e:1::1")); got != rp1 {
		t.Errorf("beside a configured RP: %v", got)
	}
	cfg.StaticRPs[0].Preferred = true
	x.r.SetConfig(x.now, cfg, &x.fx)
	x.effects()
	if got := x.r.rpFor(addr("ff1e:1::1")); got != bsr2 {
		t.Errorf("beside a preferred RP: %v", got)
	}
}

// TestZones: an admin scope zone has a bootstrap router of its own (RFC 5059, section 1.3).
func TestZones(t *testing.T) {
	x := settled(t, DefaultConfig())
	x.hear("a", n1, bootstrapOf(bsr1, 10, rp1))
	x.route(bsr1, via("a", n1))
	scoped := bootstrapOf(bsr2, 1, s2)
	scoped.Ranges[0].Group = GroupRange{Prefix: netip.MustParsePrefix("ff15::/16"), Zone: true}
	x.hear("a", n1, scoped)
	x.route(bsr2, via("a", n1))
	if a, b := x.r.rpFor(asm1), x.r.rpFor(addr("ff15::1")); a != rp1 || b != s2 {
		t.Errorf("RPs %v and %v", a, b)
	}
}
