package mroute_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/mroute"
	"tandem/internal/linux/testnet"
)

// reader opens a reader of the main table of a node.
func reader(t testing.TB, n *testnet.Node) *mroute.Reader {
	t.Helper()
	var r *mroute.Reader
	n.In(t, func() (err error) {
		r, err = mroute.NewReader(0)
		return err
	})
	t.Cleanup(func() { r.Close() })
	return r
}

// routed returns a network whose router owns its table, with u0, d0 and d1 as MIFs 0 to 2.
func routed(t testing.TB) (*testnet.Net, *mroute.Table, *mroute.Reader) {
	t.Helper()
	n := testnet.New(t)
	table := open(t, n.Router)
	for _, l := range []links.Link{n.Up, n.Down0, n.Down1} {
		testnet.Must(t, table.AddInterface(l.Index))
	}
	return n, table, reader(t, n.Router)
}

func numbered(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0xff, 0x1e, 14: byte(i >> 8), 15: byte(i)})
}

func entries(t testing.TB, r *mroute.Reader) (list []mroute.Entry) {
	t.Helper()
	testnet.Must(t, r.Each(t.Context(), func(e *mroute.Entry) bool {
		c := *e
		c.Outgoing = slices.Clone(e.Outgoing)
		list = append(list, c)
		return true
	}))
	return list
}

func TestEntries(t *testing.T) {
	n, table, r := routed(t)
	if got := entries(t, r); len(got) != 0 {
		t.Fatalf("an empty table has %v", got)
	}
	route := mroute.Route{Source: testnet.Source, Group: group, Upstream: n.Up.Index, Outgoing: []int{n.Down0.Index, n.Down1.Index}}
	testnet.Must(t, table.Set(route))
	n.Sender(t).Send(group)
	e, err := r.Get(testnet.Source, group)
	testnet.Must(t, err)
	if e.Source != testnet.Source || e.Group != group || e.Upstream != n.Up.Index || !slices.Equal(e.Outgoing, route.Outgoing) ||
		e.Foreign || e.Counters != (mroute.Counters{Packets: 1, Bytes: 52}) || e.Idle > time.Second {
		t.Errorf("entry %+v of %+v and one packet of 52 bytes", e, route)
	}
	if _, err := r.Get(testnet.Source, numbered(1)); !errors.Is(err, mroute.ErrNoRoute) {
		t.Errorf("Get of no entry: %v", err)
	}

	// The list of the table needs several datagrams. One of the reads stops in the middle.
	const many = 2000
	for i := range many {
		route.Group = numbered(i)
		testnet.Must(t, table.Set(route))
	}
	if got := entries(t, r); len(got) != many+1 {
		t.Errorf("%d entries told, want %d", len(got), many+1)
	}
	told := 0
	testnet.Must(t, r.Each(t.Context(), func(*mroute.Entry) bool { told++; return told < 3 }))
	if told != 3 {
		t.Errorf("told of %d entries, want 3", told)
	}
	if _, err := r.Get(testnet.Source, group); err != nil {
		t.Errorf("after a stop: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	told = 0
	if err := r.Each(ctx, func(*mroute.Entry) bool { told++; cancel(); return true }); !errors.Is(err, context.Canceled) {
		t.Errorf("a list that was given up: %v", err)
	}
	if told >= many {
		t.Errorf("told of %d entries, which are all, after it was given up", told)
	}
}

// TestUnresolved: a packet that waits for an entry is listed as unresolved.
func TestUnresolved(t *testing.T) {
	n, table, r := routed(t)
	n.Sender(t).Send(group)
	_, err := table.ReadUpcall()
	testnet.Must(t, err)
	if got := entries(t, r); len(got) != 1 || !got[0].Unresolved {
		t.Errorf("entries %+v, want one unresolved", got)
	}
	if _, err := r.Get(testnet.Source, group); !errors.Is(err, mroute.ErrNoRoute) {
		t.Errorf("Get: %v", err)
	}
}

func TestForeignChanges(t *testing.T) {
	n, table, r := routed(t)
	other := n.Router.Meddler(t)
	route := mroute.Route{Source: testnet.Source, Group: group, Upstream: n.Up.Index, Outgoing: []int{n.Down0.Index}}
	testnet.Must(t, table.Set(route))
	other.Set(testnet.Source, group, 0, 1, 2)
	if e, err := r.Get(testnet.Source, group); err != nil || !e.Foreign || !slices.Equal(e.Outgoing, []int{n.Down0.Index, n.Down1.Index}) {
		t.Errorf("entry that was changed: %+v, %v", e, err)
	}
	other.DeleteMIF(1)
	if e, err := r.Get(testnet.Source, group); err != nil || !slices.Equal(e.Outgoing, []int{n.Down1.Index}) {
		t.Errorf("entry without its first MIF: %+v, %v", e, err)
	}
	if restored, err := table.Restore(); restored != 1 || err != nil {
		t.Errorf("restored %d, %v, want 1", restored, err)
	}
	if restored, err := table.Restore(); restored != 0 || err != nil {
		t.Errorf("restored %d, %v, want none the second time", restored, err)
	}
	if e, err := r.Get(testnet.Source, group); err != nil || len(e.Outgoing) != 2 {
		t.Errorf("entry with its MIF again: %+v, %v", e, err)
	}

	// Entries for any source can be removed, although this package never makes one.
	any := netip.IPv6Unspecified()
	other.Set(any, numbered(1), 0, 0, 1)
	if got := entries(t, r); len(got) != 2 || got[1].Source != any || !got[1].Foreign {
		t.Errorf("entries %+v, want a foreign (*,G) last", got)
	}
	testnet.Must(t, table.Delete(any, numbered(1)))
	if got := entries(t, r); len(got) != 1 {
		t.Errorf("entries %+v, want one", got)
	}
}

// TestOpenThrowsForeignAway: entries of another program remain when the owner ends, but the
// next Open removes them.
func TestOpenThrowsForeignAway(t *testing.T) {
	n, table, r := routed(t)
	other := n.Router.Meddler(t)
	other.Set(testnet.Source, group, 0, 1)
	other.AddMIF(3, n.Router.Interface(t, "lo").Index)
	testnet.Must(t, table.Close())
	if got := entries(t, r); len(got) != 1 {
		t.Fatalf("entries %+v, want the foreign one", got)
	}
	table = open(t, n.Router)
	if got := entries(t, r); len(got) != 0 {
		t.Errorf("entries %+v, want none", got)
	}
	// Open skips a MIF that another program uses.
	other.AddMIF(0, n.Router.Interface(t, "lo").Index)
	testnet.Must(t, table.AddInterface(n.Up.Index))
	testnet.Must(t, table.AddInterface(n.Down0.Index))
	testnet.Must(t, table.Set(mroute.Route{Source: testnet.Source, Group: group, Upstream: n.Up.Index, Outgoing: []int{n.Down0.Index}}))
	if e, err := r.Get(testnet.Source, group); err != nil || e.Upstream != n.Up.Index {
		t.Errorf("entry %+v, %v, want one from u0", e, err)
	}
}

func TestWatch(t *testing.T) {
	n, table, _ := routed(t)
	other := n.Router.Meddler(t)
	var w *mroute.Watcher
	n.Router.In(t, func() (err error) {
		w, err = mroute.Watch(0)
		return err
	})
	route := mroute.Route{Source: testnet.Source, Upstream: n.Up.Index, Outgoing: []int{n.Down0.Index}}
	for i := range 4 {
		route.Group = numbered(i) // made by the owner, so the watcher is silent
		testnet.Must(t, table.Set(route))
	}
	other.Delete(testnet.Source, numbered(2))
	other.Set(testnet.Source, numbered(1), 0)
	testnet.Must(t, table.Delete(testnet.Source, numbered(0)))
	var got []mroute.Change
	for len(got) < 3 {
		more, lost, err := w.Read(make([]mroute.Change, 0, 2))
		testnet.Must(t, err)
		if lost || len(more) == 0 {
			t.Fatalf("read %v, lost %v", more, lost)
		}
		got = append(got, more...)
	}
	want := []mroute.Change{
		{testnet.Source, numbered(2), true}, {testnet.Source, numbered(1), false}, {testnet.Source, numbered(0), true},
	}
	if !slices.Equal(got, want) {
		t.Errorf("told of %v, want %v", got, want)
	}

	ended := make(chan error)
	go func() {
		_, _, err := w.Read(make([]mroute.Change, 0, 1))
		ended <- err
	}()
	testnet.Must(t, w.Close())
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read after Close: %v", err)
	}
}

// BenchmarkEach reads a table of many entries.
func BenchmarkEach(b *testing.B) {
	for _, many := range []int{1000, 10000, 100000} {
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			n, table, r := routed(b)
			g := group.As16()
			route := mroute.Route{Source: testnet.Source, Upstream: n.Up.Index, Outgoing: []int{n.Down0.Index, n.Down1.Index}}
			for i := range many {
				g[12], g[13], g[14], g[15] = byte(i>>24), byte(i>>16), byte(i>>8), byte(i)
				route.Group = netip.AddrFrom16(g)
				testnet.Must(b, table.Set(route))
			}
			b.ReportAllocs()
			for b.Loop() {
				testnet.Must(b, r.Each(b.Context(), func(*mroute.Entry) bool { return true }))
			}
		})
	}
}
