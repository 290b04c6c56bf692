package mroute_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/mroute"
	"tandem/internal/linux/testnet"
)

var group = netip.MustParseAddr("ff1e::1234")

// open becomes the owner of the main table of a node.
func open(t testing.TB, n *testnet.Node) *mroute.Table {
	t.Helper()
	var table *mroute.Table
	n.In(t, func() (err error) {
		table, err = mroute.Open(0)
		return err
	})
	t.Cleanup(func() { table.Close() })
	return table
}

func TestForwarding(t *testing.T) {
	n := testnet.New(t)
	table := open(t, n.Router)
	for _, l := range []links.Link{n.Up, n.Down0, n.Down1} {
		testnet.Must(t, table.AddInterface(l.Index))
	}
	near, far := n.Receiver(t, 0), n.Receiver(t, 1)
	near.Join(group)
	far.Join(group)
	sender := n.Sender(t)

	// The first packet causes an upcall, waits, and is forwarded when the route is set.
	first := sender.Send(group)
	up, err := table.ReadUpcall()
	testnet.Must(t, err)
	if want := (mroute.Upcall{Kind: mroute.NoCache, Ifindex: n.Up.Index, Source: testnet.Source, Group: group}); up != want {
		t.Fatalf("upcall %+v, want %+v", up, want)
	}
	route := mroute.Route{Source: up.Source, Group: up.Group, Upstream: up.Ifindex, Outgoing: []int{n.Down0.Index}}
	testnet.Must(t, table.Set(route))
	near.Expect(first)

	route.Outgoing = append(route.Outgoing, n.Down1.Index)
	testnet.Must(t, table.Set(route))
	second := sender.Send(group)
	near.Expect(second)
	far.Expect(second)

	c, err := table.Counters(testnet.Source, group)
	testnet.Must(t, err)
	// Each packet is 40 bytes of IPv6, 8 of UDP and 4 of payload.
	if c != (mroute.Counters{Packets: 2, Bytes: 104}) {
		t.Errorf("counters %+v, want 2 packets of 104 bytes", c)
	}

	testnet.Must(t, table.Delete(testnet.Source, group))
	if err := table.Delete(testnet.Source, group); !errors.Is(err, mroute.ErrNoRoute) {
		t.Errorf("second Delete = %v, want ErrNoRoute", err)
	}
	if _, err := table.Counters(testnet.Source, group); !errors.Is(err, mroute.ErrNoRoute) {
		t.Errorf("Counters after Delete = %v, want ErrNoRoute", err)
	}
	sender.Send(group)
	if up, err = table.ReadUpcall(); err != nil || up.Kind != mroute.NoCache {
		t.Errorf("after Delete: %+v, %v, want an upcall for want of a route", up, err)
	}
}

func TestWrongInterface(t *testing.T) {
	n := testnet.New(t)
	table := open(t, n.Router)
	testnet.Must(t, table.AddInterface(n.Up.Index))
	testnet.Must(t, table.AddInterface(n.Down0.Index))
	testnet.Must(t, table.ReportWrongInterface(true))
	// The route names as upstream the interface on which the stream does not arrive.
	testnet.Must(t, table.Set(mroute.Route{Source: testnet.Source, Group: group,
		Upstream: n.Down0.Index, Outgoing: []int{n.Up.Index}}))
	n.Sender(t).Send(group)
	up, err := table.ReadUpcall()
	testnet.Must(t, err)
	if up.Kind != mroute.WrongInterface || up.Ifindex != n.Up.Index {
		t.Errorf("upcall %+v, want wrong interface on %d", up, n.Up.Index)
	}
	if c, err := table.Counters(testnet.Source, group); err != nil || c.WrongIf != 1 {
		t.Errorf("counters %+v, %v, want one packet on a wrong interface", c, err)
	}
}

func TestOneOwner(t *testing.T) {
	node := testnet.NewNode(t)
	table := open(t, node)
	node.In(t, func() error {
		if _, err := mroute.Open(0); !errors.Is(err, mroute.ErrBusy) {
			return fmt.Errorf("second Open = %v, want ErrBusy", err)
		}
		return nil
	})
	ended := make(chan error)
	go func() {
		_, err := table.ReadUpcall()
		ended <- err
	}()
	testnet.Must(t, table.Close())
	select {
	case err := <-ended:
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("ReadUpcall after Close = %v, want net.ErrClosed", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("ReadUpcall did not return after Close")
	}
	open(t, node) // free again
}

func TestOpenWithoutCapability(t *testing.T) {
	testnet.WithoutCapabilities(t, func() {
		if _, err := mroute.Open(0); !errors.Is(err, mroute.ErrPermission) {
			t.Errorf("Open = %v, want ErrPermission", err)
		}
	})
}

func TestInterfacesComeAndGo(t *testing.T) {
	n := testnet.New(t)
	table := open(t, n.Router)
	testnet.Must(t, table.AddInterface(n.Up.Index))
	testnet.Must(t, table.AddInterface(n.Up.Index)) // again is no error
	route := mroute.Route{Source: testnet.Source, Group: group, Upstream: n.Up.Index, Outgoing: []int{n.Down0.Index}}
	if err := table.Set(route); !errors.Is(err, mroute.ErrNoInterface) {
		t.Errorf("Set with an interface that is not in the table = %v, want ErrNoInterface", err)
	}
	testnet.Must(t, table.AddInterface(n.Down0.Index))
	testnet.Must(t, table.Set(route))

	// The interface is deleted and made again with the same index.
	testnet.Must(t, n.Router.Links.Delete("d0"))
	testnet.Cable(t, n.Hosts[0], "h0", n.Router, "d0")
	back := testnet.AwaitLinkLocal(t, n.Router, "d0")
	testnet.Must(t, table.DelInterface(n.Down0.Index))
	testnet.Must(t, table.DelInterface(n.Down0.Index)) // again is no error
	if table.HasInterface(n.Down0.Index) {
		t.Error("d0 is still in the table")
	}
	testnet.Must(t, table.AddInterface(back.Index))
	route.Outgoing = []int{back.Index}
	testnet.Must(t, table.Set(route))

	r := n.Receiver(t, 0)
	r.Join(group)
	r.Expect(n.Sender(t).Send(group))
}

func TestTooManyInterfaces(t *testing.T) {
	node := testnet.NewNode(t)
	table := open(t, node)
	var last int
	for i := range mroute.MaxInterfaces + 1 {
		name := fmt.Sprintf("v%d", i)
		testnet.Must(t, node.Links.AddBridge(name, links.BridgeOptions{}))
		last = node.Interface(t, name).Index
		err := table.AddInterface(last)
		if i < mroute.MaxInterfaces {
			testnet.Must(t, err)
		} else if !errors.Is(err, mroute.ErrTooManyInterfaces) {
			t.Errorf("interface %d: %v, want ErrTooManyInterfaces", i+1, err)
		}
	}
	testnet.Must(t, table.DelInterface(node.Interface(t, "v3").Index))
	testnet.Must(t, table.AddInterface(last))
}

func TestRefusals(t *testing.T) {
	node := testnet.NewNode(t)
	table := open(t, node)
	s, g := testnet.Source, group
	for name, r := range map[string]mroute.Route{
		"no source":         {Group: g},
		"IPv4 source":       {Source: netip.MustParseAddr("10.0.0.1"), Group: g},
		"multicast source":  {Source: g, Group: g},
		"unicast group":     {Source: s, Group: s},
		"unknown interface": {Source: s, Group: g, Upstream: 1},
	} {
		if err := table.Set(r); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, index := range []int{-1, 0, 65536, 60000} {
		if err := table.AddInterface(index); err == nil {
			t.Errorf("interface index %d: accepted", index)
		}
	}
}

func TestSetDoesNotAllocate(t *testing.T) {
	n := testnet.New(t)
	table := open(t, n.Router)
	testnet.Must(t, table.AddInterface(n.Up.Index))
	testnet.Must(t, table.AddInterface(n.Down0.Index))
	r := mroute.Route{Source: testnet.Source, Group: group, Upstream: n.Up.Index, Outgoing: []int{n.Down0.Index}}
	if got := testing.AllocsPerRun(100, func() {
		if err := table.Set(r); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("%v allocations a Set, want none", got)
	}
}

// BenchmarkSet makes entries for new groups.
func BenchmarkSet(b *testing.B) {
	n := testnet.New(b)
	table := open(b, n.Router)
	testnet.Must(b, table.AddInterface(n.Up.Index))
	testnet.Must(b, table.AddInterface(n.Down0.Index))
	g := group.As16()
	r := mroute.Route{Source: testnet.Source, Upstream: n.Up.Index, Outgoing: []int{n.Down0.Index}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		g[12], g[13], g[14], g[15] = byte(i>>24), byte(i>>16), byte(i>>8), byte(i)
		r.Group = netip.AddrFrom16(g)
		if err := table.Set(r); err != nil {
			b.Fatal(err)
		}
	}
}

func TestUserNamespace(t *testing.T) { testnet.InUserNamespace(t) }
