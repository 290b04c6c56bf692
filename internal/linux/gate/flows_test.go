package gate_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"tandem/internal/etrunk"
	"tandem/internal/linux/gate"
	"tandem/internal/linux/mroute"
	"tandem/internal/linux/testnet"
)

// flows reads the counters.
func (b *bed) flows() map[string]gate.Flow {
	b.t.Helper()
	got, err := b.gate.Flows()
	testnet.Must(b.t, err)
	flows := make(map[string]gate.Flow)
	for name, f := range got {
		flows[name] = *f
	}
	return flows
}

// expectFlows fails unless the counters are these.
func (b *bed) expectFlows(what string, want map[string]gate.Flow) {
	b.t.Helper()
	if got := b.flows(); !maps.Equal(got, want) {
		b.t.Errorf("%s: counted %+v, want %+v", what, got, want)
	}
}

// foreign adds a chain of another program with a policy of drop. The function that it
// returns removes the chain.
func (b *bed) foreign(family nftables.TableFamily, hook *nftables.ChainHook, priority *nftables.ChainPriority) (remove func()) {
	b.t.Helper()
	drop := nftables.ChainPolicyDrop
	table := &nftables.Table{Family: family, Name: "filter"}
	testnet.Must(b.t, b.meddle(func(c *nftables.Conn) {
		c.AddTable(table)
		c.AddChain(&nftables.Chain{Table: table, Name: "FORWARD", Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: priority, Policy: &drop})
	}))
	return func() {
		b.t.Helper()
		testnet.Must(b.t, b.meddle(func(c *nftables.Conn) { c.DelTable(table) }))
	}
}

// TestFlows: the gate counts, by interface, what it holds, what it lets pass, and what then
// leaves. It counts no other packets.
func TestFlows(t *testing.T) {
	b := newBed(t, 64)
	counted := []string{"d0", "d1"}
	testnet.Must(t, b.gate.Apply(gate.State{Seed: etrunk.HashSeed, Closed: []string{"d0"}, Counted: counted}))
	b.expectFlows("nothing was sent", map[string]gate.Flow{"d0": {}, "d1": {}})
	b.expect("d0 closed", b.groups[0], false, true)
	b.expectFlows("d0 closed", map[string]gate.Flow{"d0": {Held: 1}, "d1": {Passed: 1, Left: 1}})

	want := map[string]gate.Flow{"d0": {Held: 1}, "d1": {Passed: 1, Left: 1}}
	exception := gate.SG{Source: testnet.Source, Group: b.groups[0]}
	testnet.Must(t, b.gate.Apply(gate.State{
		Seed: etrunk.HashSeed, Bucket0: []string{"d0"}, Bucket1: []string{"d1"}, Exceptions: []gate.SG{exception}, Counted: counted,
	}))
	add := func(name string, passed bool) {
		f := want[name]
		if passed {
			f.Passed, f.Left = f.Passed+1, f.Left+1
		} else {
			f.Held++
		}
		want[name] = f
	}
	for i, g := range b.groups {
		first := etrunk.BucketOf(testnet.Source, g) == 0
		d0, d1 := first || i == 0, !first || i == 0
		b.expect("shared", g, d0, d1)
		add("d0", d0)
		add("d1", d1)
	}
	b.expectFlows("shared", want)
	// Packets that the router sends itself are not counted, nor is forwarded unicast.
	own := b.Router.UDP(t, 0)
	testnet.Must(t, own.SetMulticastInterface(b.Router.Interface(t, "d0")))
	_, err := own.WriteTo([]byte("own!"), nil, testnet.At(b.groups[1]))
	testnet.Must(t, err)
	b.expectFlows("its own", want)

	testnet.Must(t, b.gate.Apply(gate.State{Seed: etrunk.HashSeed, Counted: []string{"d1"}}))
	delete(want, "d0")
	b.expectFlows("d1 only", want)
}

// TestForeignChains: packets that a chain of another program drops are not counted as
// passed, or not as left. This holds also while the gate is closed, and for every priority
// of the chain. Droppers finds the chain.
func TestForeignChains(t *testing.T) {
	b := newBed(t, 1)
	state := gate.State{Seed: 1, Counted: []string{"d0", "d1"}, Closed: []string{"d0"}}
	testnet.Must(t, b.gate.Apply(state))
	forward, postrouting := nftables.ChainHookForward, nftables.ChainHookPostrouting
	for _, tt := range []struct {
		name     string
		family   nftables.TableFamily
		hook     *nftables.ChainHook
		priority *nftables.ChainPriority
		dropper  gate.Dropper
	}{
		{"ip6 forward", nftables.TableFamilyIPv6, forward, nftables.ChainPriorityFilter,
			gate.Dropper{Family: "ip6", Table: "filter", Chain: "FORWARD", Policy: true}},
		{"inet forward, late", nftables.TableFamilyINet, forward, nftables.ChainPriorityConntrackHelper,
			gate.Dropper{Family: "inet", Table: "filter", Chain: "FORWARD", Policy: true}},
		{"inet postrouting", nftables.TableFamilyINet, postrouting, nftables.ChainPriorityMangle,
			gate.Dropper{Family: "inet", Table: "filter", Chain: "FORWARD", Behind: true, Policy: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			remove := b.foreign(tt.family, tt.hook, tt.priority)
			before := b.flows()
			b.expect("dropped", b.groups[0], false, false)
			after := b.flows()
			d0, d1 := gate.Flow{}, gate.Flow{}
			if tt.dropper.Behind {
				d0.Held, d1.Passed = 1, 1
			}
			want := map[string]gate.Flow{"d0": plus(before["d0"], d0), "d1": plus(before["d1"], d1)}
			if !maps.Equal(after, want) {
				t.Errorf("counted %+v, want %+v", after, want)
			}
			found, err := b.gate.Droppers()
			if err != nil || len(found) != 1 || found[0] != tt.dropper {
				t.Errorf("found %v, %v, want %v", found, err, tt.dropper)
			}
			remove()
			b.expect("removed", b.groups[0], false, true)
			if found, err := b.gate.Droppers(); err != nil || len(found) != 0 {
				t.Errorf("found %v, %v, want none", found, err)
			}
		})
	}
}

func plus(a, b gate.Flow) gate.Flow {
	return gate.Flow{Held: a.Held + b.Held, Passed: a.Passed + b.Passed, Left: a.Left + b.Left}
}

// TestDroppers: Droppers returns first the chains with a policy of drop, then those with a
// rule that drops, in the chain itself or in one that it jumps to. It returns no others.
func TestDroppers(t *testing.T) {
	b := newBed(t, 0)
	testnet.Must(t, b.gate.Apply(closedD0))
	accept, drop := nftables.ChainPolicyAccept, nftables.ChainPolicyDrop
	testnet.Must(t, b.meddle(func(c *nftables.Conn) {
		for _, family := range []nftables.TableFamily{nftables.TableFamilyIPv6, nftables.TableFamilyINet, nftables.TableFamilyIPv4} {
			table := c.AddTable(&nftables.Table{Family: family, Name: "firewall"})
			base := func(name string, hook *nftables.ChainHook, policy *nftables.ChainPolicy) *nftables.Chain {
				return c.AddChain(&nftables.Chain{
					Table: table, Name: name, Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: nftables.ChainPriorityFilter, Policy: policy,
				})
			}
			rule := func(chain *nftables.Chain, exprs ...expr.Any) {
				c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: exprs})
			}
			base("input", nftables.ChainHookInput, &drop)
			base("harmless", nftables.ChainHookForward, &accept)
			user := c.AddChain(&nftables.Chain{Table: table, Name: "user"})
			deeper := c.AddChain(&nftables.Chain{Table: table, Name: "deeper"})
			if family == nftables.TableFamilyIPv6 {
				rule(base("leads", nftables.ChainHookForward, &accept), &expr.Verdict{Kind: expr.VerdictJump, Chain: "user"})
				rule(user, &expr.Verdict{Kind: expr.VerdictGoto, Chain: "deeper"})
				rule(deeper, &expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop})
			} else {
				base("strict", nftables.ChainHookPostrouting, &drop)
			}
		}
	}))
	found, err := b.gate.Droppers()
	testnet.Must(t, err)
	want := []gate.Dropper{
		{Family: "inet", Table: "firewall", Chain: "strict", Behind: true, Policy: true},
		{Family: "ip6", Table: "firewall", Chain: "leads"},
	}
	if !slices.Equal(found, want) {
		t.Errorf("found %v, want %v", found, want)
	}
	if got := found[0].String(); got != "table inet firewall, chain strict: policy drop" {
		t.Error(got)
	}
}

// BenchmarkFlows reads the counters of the largest possible number of interfaces.
func BenchmarkFlows(b *testing.B) {
	g, err := gate.Open(gate.Options{Inside: testnet.NewNode(b).Do})
	testnet.Must(b, err)
	defer g.Close(true)
	state := gate.State{Seed: 1}
	for i := range mroute.MaxInterfaces {
		state.Counted = append(state.Counted, fmt.Sprintf("eth-trunk%d", i))
	}
	testnet.Must(b, g.Apply(state))
	b.ReportAllocs()
	for b.Loop() {
		if flows, err := g.Flows(); err != nil || len(flows) != len(state.Counted) {
			b.Fatal(len(flows), err)
		}
	}
}
