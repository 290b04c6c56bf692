package arrivals_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"tandem/internal/linux/arrivals"
	"tandem/internal/linux/clock"
	"tandem/internal/linux/testnet"
)

var group = netip.MustParseAddr("ff3e::8000:1")

func open(t testing.TB, capacity int) *arrivals.Observer {
	t.Helper()
	o, err := arrivals.Open(capacity)
	return checked(t, o, err)
}

// checked returns the observer of Open, or skips the test if the kernel has no BPF.
func checked(t testing.TB, o *arrivals.Observer, err error) *arrivals.Observer {
	t.Helper()
	if errors.Is(err, arrivals.ErrUnsupported) {
		t.Skipf("needs BPF: %v", err)
	}
	testnet.Must(t, err)
	t.Cleanup(o.Close)
	return o
}

// bed is an observer on the router's upstream interface, and a source.
type bed struct {
	*testnet.Net
	t    *testing.T
	obs  *arrivals.Observer
	send *testnet.Sender
}

func newBed(t *testing.T) *bed {
	n := testnet.New(t)
	b := &bed{Net: n, t: t, send: n.Sender(t)}
	var failed error
	n.Router.In(t, func() error { b.obs, failed = arrivals.Open(16); return nil })
	b.obs = checked(t, b.obs, failed)
	n.Router.In(t, func() error { return b.obs.Watch(n.Up.Index) })
	return b
}

func (b *bed) add(group netip.Addr, ifindex int) arrivals.Slot {
	b.t.Helper()
	slots, err := b.obs.Add([]arrivals.Stream{{Source: testnet.Source, Group: group, Interface: ifindex}})
	testnet.Must(b.t, err)
	return slots[0]
}

// expect waits until a slot has counted so many packets, then checks that no more are
// counted.
func (b *bed) expect(what string, slot arrivals.Slot, want uint64) (last time.Duration) {
	b.t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if got, _ := b.obs.At(slot); got >= want {
			break
		}
	}
	time.Sleep(20 * time.Millisecond)
	got, last := b.obs.At(slot)
	if got != want {
		b.t.Fatalf("%s: %d packets have arrived, want %d", what, got, want)
	}
	return last
}

func TestCountsWhatArrives(t *testing.T) {
	b := newBed(t)
	slot := b.add(group, b.Up.Index)
	elsewhere := b.add(netip.MustParseAddr("ff3e::8000:2"), b.Down0.Index)
	if last := b.expect("before the first packet", slot, 0); last != 0 {
		t.Errorf("the last packet came at %v although none has come", last)
	}
	before := clock.Monotonic()
	for range 3 {
		b.send.Send(group)
	}
	last := b.expect("three packets", slot, 3)
	if now := clock.Monotonic(); last < before || last > now {
		t.Errorf("the last packet came at %v, not between %v and %v", last, before, now)
	}
	b.send.Send(netip.MustParseAddr("ff3e::8000:2"))
	b.send.Send(netip.MustParseAddr("ff3e::8000:3"))
	b.expect("a stream that is expected at another interface", elsewhere, 0)
	b.expect("packets of other streams", slot, 3)
}

func TestRemovedStreamBeginsAnew(t *testing.T) {
	b := newBed(t)
	slot := b.add(group, b.Up.Index)
	b.send.Send(group)
	b.expect("observed", slot, 1)
	testnet.Must(t, b.obs.Remove(arrivals.Stream{Source: testnet.Source, Group: group, Interface: b.Up.Index}, slot))
	b.send.Send(group)
	b.expect("removed", slot, 1)
	if err := b.obs.Remove(arrivals.Stream{Source: testnet.Source, Group: group, Interface: b.Up.Index}, slot); err == nil {
		t.Error("a stream that is not observed could be removed")
	}
	slot = b.add(group, b.Up.Index)
	b.expect("observed anew", slot, 0)
	b.send.Send(group)
	b.expect("observed anew, with a packet", slot, 1)
}

// found lists streams that arrive unobserved, until there are n of them.
func (b *bed) found(n, most int) (list []arrivals.Stream) {
	b.t.Helper()
	for end := time.Now().Add(5 * time.Second); len(list) < n && time.Now().Before(end); time.Sleep(time.Millisecond) {
		b.obs.Unobserved(most, func(s arrivals.Stream) { list = append(list, s) })
	}
	if n == 0 {
		time.Sleep(20 * time.Millisecond)
		b.obs.Unobserved(most, func(s arrivals.Stream) { list = append(list, s) })
	}
	if len(list) != n {
		b.t.Fatalf("%d streams found, want %d: %v", len(list), n, list)
	}
	return list
}

// TestUnobservedStreamsAreFound: a stream that is not observed is found by its packets.
// Its count then begins with the packet by which it was found.
func TestUnobservedStreamsAreFound(t *testing.T) {
	b := newBed(t)
	b.found(0, 10)
	before := clock.Monotonic()
	b.send.Send(netip.MustParseAddr("ff02::1:3")) // this group stays on the link
	for i := range 3 {
		b.send.Send(numbered(i))
	}
	var all []arrivals.Stream
	for range 3 {
		all = append(all, b.found(1, 1)...) // one stream per call
	}
	groups := map[netip.Addr]bool{}
	for _, s := range all {
		groups[s.Group] = true
		if s.Source != testnet.Source || s.Interface != b.Up.Index || s.Last < before || s.Last > clock.Monotonic() {
			t.Errorf("found %+v", s)
		}
	}
	if len(groups) != 3 {
		t.Errorf("found %v", all)
	}
	slots, err := b.obs.Add(all[:1])
	testnet.Must(t, err)
	if last := b.expect("found", slots[0], 1); last != all[0].Last {
		t.Errorf("the last packet came at %v, not %v", last, all[0].Last)
	}
	b.send.Send(all[0].Group)
	b.expect("observed", slots[0], 2)
	b.found(0, 10) // an observed stream is not found again
	b.send.Send(all[1].Group)
	if again := b.found(1, 10); again[0].Group != all[1].Group || again[0].Last <= all[1].Last {
		t.Errorf("found again %+v", again)
	}
}

// TestSeesWhatTheKernelGets: a packet that an ingress rule drops is not counted.
func TestSeesWhatTheKernelGets(t *testing.T) {
	b := newBed(t)
	slot := b.add(group, b.Up.Index)
	nft := func(rules string) {
		t.Helper()
		b.Router.In(t, func() error {
			if out, err := exec.Command("nft", rules).CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			return nil
		})
	}
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("needs nft")
	}
	nft("add table netdev t; add chain netdev t in { type filter hook ingress device u0 priority 0; policy drop; }")
	b.send.Send(group)
	b.expect("dropped at ingress", slot, 0)
	nft("delete table netdev t")
	b.send.Send(group)
	b.expect("not dropped any more", slot, 1)
}

func TestUnwatchedInterfaceIsNotCounted(t *testing.T) {
	b := newBed(t)
	slot := b.add(group, b.Up.Index)
	b.Router.In(t, func() error { return b.obs.Watch(b.Up.Index) }) // a second Watch changes nothing
	b.send.Send(group)
	b.expect("watched", slot, 1)
	b.obs.Unwatch(b.Up.Index)
	b.obs.Unwatch(b.Up.Index)
	b.send.Send(group)
	b.expect("not watched", slot, 1)
	b.Router.In(t, func() error { return b.obs.Watch(b.Up.Index) })
	b.send.Send(group)
	b.expect("watched again", slot, 2)
}

func TestFull(t *testing.T) {
	testnet.NewNode(t) // NewNode skips the test when not root
	o := open(t, 4)
	five := make([]arrivals.Stream, 5)
	for i := range five {
		five[i] = arrivals.Stream{Source: testnet.Source, Group: numbered(i), Interface: 1}
	}
	if _, err := o.Add(five); !errors.Is(err, arrivals.ErrFull) {
		t.Fatalf("five streams in four slots: %v", err)
	}
	slots, err := o.Add(five[:4])
	testnet.Must(t, err)
	testnet.Must(t, o.Remove(five[1], slots[1]))
	again, err := o.Add(five[4:])
	testnet.Must(t, err)
	if again[0] != slots[1] {
		t.Errorf("slot %d, not %d, which is free", again[0], slots[1])
	}
	if _, err := o.Add(five[1:2]); !errors.Is(err, arrivals.ErrFull) {
		t.Errorf("a fifth stream: %v", err)
	}
}

func TestWithoutCapabilities(t *testing.T) {
	testnet.NewNode(t)
	testnet.WithoutCapabilities(t, func() {
		if o, err := arrivals.Open(4); !errors.Is(err, arrivals.ErrUnsupported) {
			o.Close()
			t.Errorf("without capabilities: %v, not %v", err, arrivals.ErrUnsupported)
		}
	})
}

func numbered(i int) netip.Addr {
	a := group.As16()
	a[12], a[13], a[14], a[15] = 0x80|byte(i>>24), byte(i>>16), byte(i>>8), byte(i)
	return netip.AddrFrom16(a)
}

// BenchmarkLook looks at 100,000 streams.
func BenchmarkLook(b *testing.B) {
	o := open(b, 100_000)
	slots := fill(b, o, 100_000)
	for b.Loop() {
		for _, slot := range slots {
			if packets, _ := o.At(slot); packets != 0 {
				b.Fatal("packets of nobody")
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/stream")
}

// BenchmarkAdd observes 100,000 streams, 1,000 at a time.
func BenchmarkAdd(b *testing.B) {
	for b.Loop() {
		o := open(b, 100_000)
		fill(b, o, 100_000)
		o.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/stream")
}

func fill(b *testing.B, o *arrivals.Observer, n int) (slots []arrivals.Slot) {
	b.Helper()
	for i := 0; i < n; i += 1000 {
		some := make([]arrivals.Stream, 1000)
		for j := range some {
			some[j] = arrivals.Stream{Source: testnet.Source, Group: numbered(i + j), Interface: 1}
		}
		added, err := o.Add(some)
		testnet.Must(b, err)
		slots = append(slots, added...)
	}
	return slots
}
