package mroute_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/mroute"
	"tandem/internal/linux/testnet"
)

// waiting counts the streams that wait for an entry.
func waiting(t *testing.T, n *testnet.Node) (count int) {
	t.Helper()
	var r *mroute.Reader
	n.In(t, func() (err error) {
		r, err = mroute.NewReader(0)
		return err
	})
	defer r.Close()
	testnet.Must(t, r.Each(context.Background(), func(e *mroute.Entry) bool {
		if e.Unresolved {
			count++
		}
		return true
	}))
	return count
}

// upcallWithin returns the next upcall, if there is one.
func upcallWithin(t *testing.T, table *mroute.Table, wait time.Duration) (mroute.Upcall, bool) {
	t.Helper()
	defer time.AfterFunc(wait, table.Interrupt).Stop()
	up, err := table.ReadUpcall()
	return up, err == nil
}

// TestDiscard: packets that arrive on the access side cause no upcall and no entry, and are not
// forwarded. The stream itself causes an upcall at its first packet.
func TestDiscard(t *testing.T) {
	n := testnet.New(t)
	table := open(t, n.Router)
	for _, l := range []links.Link{n.Down0, n.Up, n.Down1} {
		testnet.Must(t, table.AddInterface(l.Index))
	}
	testnet.Must(t, table.Discard([]int{n.Down0.Index, n.Down1.Index}))
	if got := table.Discarding(); got.Upstream != n.Up.Index || len(got.Outgoing) != 2 {
		t.Errorf("discards by %+v", got)
	}
	near, far := n.Receiver(t, 0), n.Receiver(t, 1)
	near.Join(group)
	far.Join(group)
	impostor, sender := n.Impostor(t, 0), n.Sender(t)
	frames := n.Source.Capture(t, "s0")
	impostor.Send(group)
	for i := range 1000 {
		impostor.Send(netip.AddrFrom16([16]byte{0xff, 0x1e, 14: byte(i >> 8), 15: byte(i)}))
	}
	time.Sleep(50 * time.Millisecond)
	if got := waiting(t, n.Router); got != 0 {
		t.Errorf("%d streams wait for an entry", got)
	}
	if seq, ok := far.Next(50 * time.Millisecond); ok {
		t.Errorf("packet %d has gone to the other host", seq)
	}
	for _, f := range frames() {
		const destination, addr = 14 + 24, 16
		if len(f) >= destination+addr && f[destination] == 0xff && f[destination+1] == 0x1e {
			t.Fatalf("a packet has gone upstream: %x", f)
		}
	}
	first := sender.Send(group)
	up, err := table.ReadUpcall()
	if want := (mroute.Upcall{Kind: mroute.NoCache, Ifindex: n.Up.Index, Source: testnet.Source, Group: group}); err != nil || up != want {
		t.Fatalf("upcall %+v, %v, want %+v", up, err, want)
	}
	testnet.Must(t, table.Set(mroute.Route{Source: up.Source, Group: up.Group, Upstream: up.Ifindex, Outgoing: []int{n.Down1.Index}}))
	far.Expect(first)

	// An interface on which streams may arrive causes upcalls again.
	testnet.Must(t, table.Discard([]int{n.Down1.Index}))
	impostor.Send(netip.MustParseAddr("ff1e::4321"))
	if up, err := table.ReadUpcall(); err != nil || up.Ifindex != n.Down0.Index {
		t.Errorf("upcall %+v, %v, want one from d0", up, err)
	}
	testnet.Must(t, table.Discard(nil))
	testnet.Must(t, table.Discard(nil))
}

// TestForget: a packet on the wrong side delays its whole stream. After Forget the stream
// causes an upcall.
func TestForget(t *testing.T) {
	n := testnet.New(t)
	table := open(t, n.Router)
	for _, l := range []links.Link{n.Up, n.Down0} {
		testnet.Must(t, table.AddInterface(l.Index))
	}
	impostor, sender := n.Impostor(t, 0), n.Sender(t)
	impostor.Send(group)
	if up, err := table.ReadUpcall(); err != nil || up.Ifindex != n.Down0.Index {
		t.Fatalf("upcall %+v, %v, want one from d0", up, err)
	}
	sender.Send(group)
	if got := waiting(t, n.Router); got != 1 {
		t.Errorf("%d streams wait for an entry, want 1", got)
	}
	testnet.Must(t, table.Forget(testnet.Source, group))
	if got := waiting(t, n.Router); got != 0 {
		t.Errorf("%d streams wait for an entry", got)
	}
	sender.Send(group)
	if up, ok := upcallWithin(t, table, 5*time.Second); !ok || up.Ifindex != n.Up.Index {
		t.Errorf("upcall %+v, %v, want one from u0", up, ok)
	}
}
