package gate_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"

	"tandem/internal/etrunk"
	"tandem/internal/linux/gate"
	"tandem/internal/linux/mroute"
	"tandem/internal/linux/testnet"
)

// bed is a network with a forwarding router behind a gate, and two receivers, one on each
// downstream interface, that listen to every group.
type bed struct {
	*testnet.Net
	t      *testing.T
	gate   *gate.Gate
	groups []netip.Addr
	send   *testnet.Sender
	hosts  [2]*testnet.Receiver
}

func newBed(t *testing.T, groups int) *bed { return newBedWith(t, groups, gate.Persistent) }

// newBedWith makes a bed whose gate asks for a given protection of its table.
func newBedWith(t *testing.T, groups int, p gate.Protection) *bed {
	n := testnet.New(t)
	b := &bed{Net: n, t: t, gate: openGate(t, gate.Options{Inside: n.Router.Do, Protection: p}), send: n.Sender(t)}
	var table *mroute.Table
	n.Router.In(t, func() (err error) {
		table, err = mroute.Open(0)
		return err
	})
	t.Cleanup(func() { table.Close() })
	out := []int{n.Down0.Index, n.Down1.Index}
	for _, ifindex := range append(out, n.Up.Index) {
		testnet.Must(t, table.AddInterface(ifindex))
	}
	for i := range b.hosts {
		b.hosts[i] = n.Receiver(t, i)
	}
	for i := range groups {
		g := netip.MustParseAddr(fmt.Sprintf("ff3e::8000:%x", i+1))
		b.groups = append(b.groups, g)
		testnet.Must(t, table.Set(mroute.Route{Source: testnet.Source, Group: g, Upstream: n.Up.Index, Outgoing: out}))
		b.hosts[0].Join(g)
		b.hosts[1].Join(g)
	}
	return b
}

func openGate(t *testing.T, o gate.Options) *gate.Gate {
	t.Helper()
	g, err := gate.Open(o)
	testnet.Must(t, err)
	t.Cleanup(func() { g.Close(false) })
	return g
}

// expect sends a packet to a group. It fails unless the packet comes out of exactly the
// given interfaces.
func (b *bed) expect(what string, group netip.Addr, d0, d1 bool) {
	b.t.Helper()
	seq := b.send.Send(group)
	for i, want := range [2]bool{d0, d1} {
		if want {
			b.hosts[i].Expect(seq)
		} else if got, ok := b.hosts[i].Next(20 * time.Millisecond); ok {
			b.t.Fatalf("%s: packet %d to %s came out of d%d", what, got, group, i)
		}
	}
}

func TestClosed(t *testing.T) {
	b := newBed(t, 1)
	g := b.groups[0]
	b.expect("without a table", g, true, true)
	state := gate.State{Seed: 1}
	testnet.Must(t, b.gate.Apply(state))
	b.expect("with nothing closed", g, true, true)
	state.Closed = []string{"d0"}
	testnet.Must(t, b.gate.Apply(state))
	b.expect("d0 closed", g, false, true)
	state.Closed = []string{"d1"}
	testnet.Must(t, b.gate.Apply(state))
	b.expect("d1 closed", g, true, false)
	if d, err := b.gate.Drops(); err != nil || d != (gate.Drops{Closed: 2}) {
		t.Errorf("drops %+v, %v, want two by closed interfaces", d, err)
	}
	testnet.Must(t, b.gate.Close(true))
	b.expect("table removed", g, true, true)
}

// TestBuckets lets each of two interfaces send one bucket, so that every packet
// comes out of exactly one of them: the one that the control plane's own
// hash names.
func TestBuckets(t *testing.T) {
	b := newBed(t, 64)
	state := gate.State{Seed: etrunk.HashSeed, Bucket0: []string{"d0"}, Bucket1: []string{"d1"}}
	testnet.Must(t, b.gate.Apply(state))
	var drops gate.Drops
	for _, g := range b.groups {
		first := etrunk.BucketOf(testnet.Source, g) == 0
		b.expect("shared", g, first, !first)
		if first {
			drops.Bucket1++
		} else {
			drops.Bucket0++
		}
	}
	if drops.Bucket0 == 0 || drops.Bucket1 == 0 {
		t.Errorf("all of %d groups hash alike; the test proves nothing", len(b.groups))
	}
	if d, err := b.gate.Drops(); err != nil || d != drops {
		t.Errorf("drops %+v, %v, want %+v", d, err, drops)
	}

	g := b.groups[0]
	state.Exceptions = []gate.SG{{Source: testnet.Source, Group: g}}
	testnet.Must(t, b.gate.Apply(state))
	b.expect("exception", g, true, true)
	first := etrunk.BucketOf(testnet.Source, b.groups[1]) == 0
	b.expect("no exception", b.groups[1], first, !first)
	state.Exceptions = nil
	testnet.Must(t, b.gate.Apply(state))
	first = etrunk.BucketOf(testnet.Source, g) == 0
	b.expect("exception no more", g, first, !first)

	// First the sole sender, then a device without a duty.
	testnet.Must(t, b.gate.Apply(gate.State{Seed: etrunk.HashSeed}))
	b.expect("sole", g, true, true)
	testnet.Must(t, b.gate.Apply(gate.State{Seed: etrunk.HashSeed, Closed: []string{"d0", "d1"}}))
	b.expect("none", g, false, false)
}

// TestUnicastPasses: a unicast packet leaves by a closed interface.
func TestUnicastPasses(t *testing.T) {
	b := newBed(t, 0)
	testnet.Must(t, b.Router.EnableForwarding())
	prefix := netip.MustParsePrefix("2001:db8:2::1/64")
	host := netip.MustParseAddr("2001:db8:2::2")
	testnet.Must(t, b.Router.Links.AddAddress("d0", prefix))
	testnet.Must(t, b.Hosts[0].Links.AddAddress("h0", netip.PrefixFrom(host, 64)))
	b.Net.Source.AddRoute(t, prefix, b.Up.LinkLocal, "s0")
	testnet.Must(t, b.gate.Apply(gate.State{Seed: 1, Closed: []string{"d0"}}))
	b.hosts[0].Expect(b.send.Send(host))
}

func TestSyncRepairs(t *testing.T) {
	b := newBedWith(t, 1, gate.Unprotected)
	g := b.groups[0]
	state := gate.State{Seed: 1, Closed: []string{"d0"}}
	testnet.Must(t, b.gate.Sync(state))
	b.expect("closed", g, false, true)
	testnet.Must(t, b.gate.Sync(state))
	if n := b.gate.Repairs(); n != 0 {
		t.Errorf("%d repairs of an untouched table", n)
	}
	for i, d := range damages {
		testnet.Must(t, b.meddle(d.do))
		testnet.Must(t, b.gate.Sync(state))
		b.expect(d.what, g, false, true)
		if n := b.gate.Repairs(); n != uint64(i+1) {
			t.Errorf("%s: %d repairs, want %d", d.what, n, i+1)
		}
	}
	// Apply does not read the table first. But when its change fails, it makes the table
	// anew.
	testnet.Must(t, b.meddle((*nftables.Conn).FlushRuleset))
	testnet.Must(t, b.gate.Apply(gate.State{Seed: 1, Closed: []string{"d1"}}))
	b.expect("applied to nothing", g, true, false)
}

func TestManyExceptions(t *testing.T) {
	node := testnet.NewNode(t)
	g := openGate(t, gate.Options{Inside: node.Do})
	state := gate.State{Seed: 1, Bucket0: []string{"d0"}}
	for i := range 20_000 {
		a := netip.MustParseAddr("ff3e::").As16()
		a[13], a[14], a[15] = byte(i>>16), byte(i>>8), byte(i)
		state.Exceptions = append(state.Exceptions, gate.SG{Source: testnet.Source, Group: netip.AddrFrom16(a)})
	}
	testnet.Must(t, g.Apply(state))
	testnet.Must(t, g.Sync(state))
	state.Exceptions = state.Exceptions[:10]
	testnet.Must(t, g.Apply(state))
	if n := g.Repairs(); n != 0 {
		t.Errorf("%d repairs, want none", n)
	}
	out := nft(t, node, "list set ip6 tandem exceptions")
	if n := strings.Count(out, testnet.Source.String()); n != 10 {
		t.Errorf("%d exceptions in the kernel, want 10:\n%s", n, out)
	}
}

func TestRefusals(t *testing.T) {
	g := openGate(t, gate.Options{Inside: testnet.NewNode(t).Do})
	if err := g.Apply(gate.State{}); !errors.Is(err, gate.ErrSeed) {
		t.Errorf("no seed: %v, want ErrSeed", err)
	}
	for name, s := range map[string]gate.State{
		"empty name":     {Seed: 1, Closed: []string{""}},
		"long name":      {Seed: 1, Bucket0: []string{"sixteen-letters!"}},
		"IPv4 exception": {Seed: 1, Exceptions: []gate.SG{{Source: netip.MustParseAddr("10.0.0.1"), Group: testnet.Source}}},
		"no group":       {Seed: 1, Exceptions: []gate.SG{{Source: testnet.Source}}},
	} {
		if err := g.Apply(s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// nft runs a command of the nft tool in a node, so that the check does not depend on the
// code under test.
func nft(t *testing.T, n *testnet.Node, command string) string {
	t.Helper()
	path, err := exec.LookPath("nft")
	if err != nil {
		t.Skip("needs the nft tool")
	}
	var out strings.Builder
	cmd := exec.Command(path, slices.Collect(strings.SplitSeq(command, " "))...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := n.Run(cmd); err != nil {
		t.Fatalf("nft %s: %v\n%s", command, err, out.String())
	}
	return out.String()
}

// BenchmarkSwitchover opens and closes an interface, one transaction each.
func BenchmarkSwitchover(b *testing.B) {
	node := testnet.NewNode(b)
	g, err := gate.Open(gate.Options{Inside: node.Do})
	testnet.Must(b, err)
	defer g.Close(true)
	states := [2]gate.State{{Seed: 1, Bucket0: []string{"eth-trunk10"}}, {Seed: 1}}
	for i := 0; b.Loop(); i++ {
		testnet.Must(b, g.Apply(states[i%2]))
	}
}

func TestUserNamespace(t *testing.T) { testnet.InUserNamespace(t) }
