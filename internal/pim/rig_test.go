package pim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/instant"
)

var (
	self    = addr("fe80::1") // address of this router, on every link
	n1, n2  = addr("fe80::a"), addr("fe80::b")
	s1, s2  = addr("2001:db8::1"), addr("2001:db8::2")
	rp1     = addr("2001:db8::99")
	ssm1    = addr("ff3e::8000:1")
	asm1    = addr("ff1e::1")
	nowhere = netip.Addr{}
)

func after(d time.Duration) instant.Time { return instant.FromOrigin(d) }

// rig is a router with two uplinks, a and b, on virtual time.
type rig struct {
	t      testing.TB
	random *rand.PCG
	r      *Router
	now    instant.Time
	fx     Effects
	// roots holds the sources and RPs whose next hops the router has requested.
	roots map[netip.Addr]bool
	sent  []OutPacket
}

func newRig(t testing.TB, cfg Config) *rig {
	source := rand.NewPCG(1, 2)
	x := &rig{t: t, random: source, r: NewRouter(cfg, rand.New(source), after(0)), now: after(0), roots: map[netip.Addr]bool{}}
	for _, name := range []string{"a", "b"} {
		x.r.SetInterface(x.now, name, DefaultInterfaceConfig(), upLink, &x.fx)
	}
	x.effects()
	return x
}

var upLink = Link{LinkLocal: self, Up: true, MTU: 1500}

// testConfig returns a configuration with rp1 as the RP of all groups.
func testConfig() Config {
	cfg := DefaultConfig()
	cfg.StaticRPs = []StaticRP{{RP: rp1}}
	return cfg
}

// effects carries out the effects of the last event.
func (x *rig) effects() {
	for _, a := range x.fx.Lookups {
		if x.roots[a] {
			x.t.Errorf("asks again for %v", a)
		}
		x.roots[a] = true
	}
	for _, a := range x.fx.Forgets {
		if !x.roots[a] {
			x.t.Errorf("forgets %v, which it did not ask for", a)
		}
		delete(x.roots, a)
	}
	x.sent = append(x.sent, slices.Clone(x.fx.Packets)...)
	x.fx.Reset()
}

// run advances the time and stops at every deadline.
func (x *rig) run(d time.Duration) {
	x.t.Helper()
	until := x.now.Add(d)
	for steps := 0; ; steps++ {
		at := x.r.Deadline()
		if !at.IsDue(until) {
			x.now = until
			return
		}
		if steps > 100_000 {
			x.t.Fatal("the deadline stands still")
		}
		x.now = max(x.now, at)
		x.r.Advance(x.now, &x.fx)
		x.effects()
	}
}

// hear passes a message of a neighbor to the router.
func (x *rig) hear(iface string, from netip.Addr, m Message) error {
	b := Append(nil, m)
	SetChecksum(from, AllRouters, b)
	err := x.r.Receive(x.now, iface, from, AllRouters, b, &x.fx)
	x.effects()
	return err
}

func helloOf(generation uint32) *Hello {
	return &Hello{HoldTime: Forever, HasHoldTime: true, GenerationID: generation, HasGenerationID: true,
		DRPriority: 1, HasDRPriority: true, PruneDelay: &PruneDelay{false, 500 * time.Millisecond, 2500 * time.Millisecond}}
}

// meet makes a router on an interface a neighbor that does not expire.
func (x *rig) meet(iface string, from netip.Addr) {
	x.t.Helper()
	if err := x.hear(iface, from, helloOf(7)); err != nil {
		x.t.Fatal(err)
	}
}

func (x *rig) want(g netip.Addr, w Wants) {
	x.r.Want(x.now, g, w, &x.fx)
	x.effects()
}

func (x *rig) route(root netip.Addr, hops ...NextHop) {
	x.r.SetRPF(x.now, root, hops, &x.fx)
	x.effects()
}

func (x *rig) flow(s, g netip.Addr, iface string) {
	x.r.Flow(x.now, s, g, iface, &x.fx)
	x.effects()
}

// sentSince returns the joins and prunes sent since its last call, sorted in each
// message: "a fe80::a: +S,G", or -S,G, with * and rpt.
func (x *rig) sentSince() (list []string) {
	x.t.Helper()
	for _, p := range x.sent {
		if m, is := x.parse(p).(*JoinPrune); is {
			list = append(list, fmt.Sprintf("%s %v: %s", p.Interface, m.Upstream, describe(m)))
		}
	}
	x.sent = nil
	return list
}

func (x *rig) parse(p OutPacket) Message {
	x.t.Helper()
	if !ChecksumRight(p.Src, p.Dst, p.Payload) || p.Dst != AllRouters || p.Src != self {
		x.t.Errorf("bad packet %+v", p)
	}
	m, err := Parse(p.Payload)
	if err != nil {
		x.t.Fatal(err)
	}
	return m
}

func describe(m *JoinPrune) string {
	var list []string
	for _, g := range m.Groups {
		for sign, entries := range map[string][]Source{"+": g.Joins, "-": g.Prunes} {
			for _, s := range entries {
				what := s.Addr().String()
				switch {
				case s.Wildcard:
					what = "*(" + what + ")"
				case s.RPT:
					what += "(rpt)"
				}
				list = append(list, sign+what+","+g.Group.Addr().String())
			}
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// expect fails unless exactly these joins and prunes have been sent.
func (x *rig) expect(what string, want ...string) {
	x.t.Helper()
	if got := x.sentSince(); !slices.Equal(got, want) {
		x.t.Errorf("%s: sent\n%q, want\n%q", what, got, want)
	}
}

// settled returns a rig whose router has the neighbors n1 and n2 on a and n1 on b, which
// have received its hellos.
func settled(t testing.TB, cfg Config) *rig {
	x := newRig(t, cfg)
	x.meet("a", n1)
	x.meet("a", n2)
	x.meet("b", n1)
	x.run(10 * time.Second)
	x.sentSince()
	return x
}

func via(iface string, gateway netip.Addr) NextHop { return NextHop{iface, gateway} }
