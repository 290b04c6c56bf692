package udp_test

import (
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"tandem/internal/linux/testnet"
	"tandem/internal/linux/udp"
)

var loopback = netip.IPv6Loopback()

func listen(t *testing.T, c udp.Config) *udp.Conn {
	t.Helper()
	conn, err := udp.Listen(c)
	testnet.Must(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestConnTellsHowADatagramCame(t *testing.T) {
	from := listen(t, udp.Config{Local: netip.AddrPortFrom(loopback, 0), HopLimit: 77})
	to := listen(t, udp.Config{})
	before := time.Now()
	testnet.Must(t, from.Send(netip.Addr{}, netip.AddrPortFrom(loopback, to.Local().Port()), 0, []byte("hello")))

	got, err := to.Read(udp.NewBatch(4, 64))
	testnet.Must(t, err)
	if len(got) != 1 {
		t.Fatalf("%d messages, want 1", len(got))
	}
	m := got[0]
	if m.Src != from.Local() || m.Dst != loopback || m.Ifindex != 1 || m.HopLimit != 77 || m.Truncated {
		t.Errorf("%+v", m)
	}
	if string(m.Payload) != "hello" {
		t.Errorf("payload %q", m.Payload)
	}
	if m.Received.Before(before.Round(0).Add(-time.Second)) || m.Received.After(time.Now()) {
		t.Errorf("received at %v, sent after %v", m.Received, before)
	}
}

func TestSendFromAChosenAddress(t *testing.T) {
	a, b := testnet.NewNode(t), testnet.NewNode(t)
	testnet.Cable(t, a, "u0", b, "u0")
	address := func(s string) netip.Addr { return netip.MustParseAddr(s) }
	for _, s := range []string{"2001:db8::1/64", "2001:db8::2/64"} {
		testnet.Must(t, a.Links.AddAddress("u0", netip.MustParsePrefix(s)))
	}
	testnet.Must(t, b.Links.AddAddress("u0", netip.MustParsePrefix("2001:db8::9/64")))
	lla, llb := testnet.AwaitLinkLocal(t, a, "u0"), testnet.AwaitLinkLocal(t, b, "u0")

	var from, to *udp.Conn
	a.In(t, func() error { from = listen(t, udp.Config{}); return nil })
	b.In(t, func() error { to = listen(t, udp.Config{}); return nil })
	port := to.Local().Port()
	batch := udp.NewBatch(1, 16)
	for _, c := range []struct {
		src, dst netip.Addr
		ifindex  int
	}{
		{address("2001:db8::1"), address("2001:db8::9"), 0},
		{address("2001:db8::2"), address("2001:db8::9"), lla.Index},
		{lla.LinkLocal, llb.LinkLocal, lla.Index},
	} {
		testnet.Must(t, from.Send(c.src, netip.AddrPortFrom(c.dst, port), c.ifindex, []byte{1}))
		got, err := to.Read(batch)
		testnet.Must(t, err)
		if m := got[0]; m.Src.Addr() != c.src || m.Dst != c.dst || m.Ifindex != llb.Index {
			t.Errorf("sent %v to %v, came as %+v", c.src, c.dst, m)
		}
	}
	err := from.Send(address("2001:db8::77"), netip.AddrPortFrom(address("2001:db8::9"), port), 0, []byte{1})
	if err == nil {
		t.Error("sent from an address that the system does not have")
	}
}

func TestReadEndsWithClose(t *testing.T) {
	c := listen(t, udp.Config{Local: netip.AddrPortFrom(loopback, 0)})
	failed := make(chan error)
	go func() {
		_, err := c.Read(udp.NewBatch(1, 16))
		failed <- err
	}()
	testnet.Must(t, c.Close())
	if err := <-failed; !errors.Is(err, os.ErrClosed) {
		t.Errorf("Read: %v, want os.ErrClosed", err)
	}
	if err := c.Send(netip.Addr{}, netip.AddrPortFrom(loopback, 9), 0, []byte{1}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Send: %v, want os.ErrClosed", err)
	}
}

func TestOpenErrors(t *testing.T) {
	taken := listen(t, udp.Config{Local: netip.AddrPortFrom(loopback, 0)})
	foreign := netip.MustParseAddr("2001:db8:dead::1")
	for _, c := range []struct {
		name string
		cfg  udp.Config
		want error
	}{
		{"port in use", udp.Config{Local: taken.Local()}, unix.EADDRINUSE},
		{"address of another", udp.Config{Local: netip.AddrPortFrom(foreign, 0)}, unix.EADDRNOTAVAIL},
		{"no such interface", udp.Config{Device: "no-such-if"}, unix.ENODEV},
		{"IPv4", udp.Config{Local: netip.MustParseAddrPort("127.0.0.1:0")}, unix.EAFNOSUPPORT},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := udp.Open(c.cfg)
			var failed *udp.OpenError
			if !errors.Is(err, c.want) || !errors.As(err, &failed) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	listen(t, udp.Config{Local: netip.AddrPortFrom(foreign, 0), FreeBind: true})
}

func TestSocketBatches(t *testing.T) {
	s, err := udp.Open(udp.Config{Local: netip.AddrPortFrom(loopback, 0), ReceiveBuffer: 1 << 20})
	testnet.Must(t, err)
	defer s.Close()
	batch := udp.NewBatch(3, 4)
	if got, err := s.Receive(batch); len(got) != 0 || err != nil {
		t.Errorf("nothing waits, yet %v, %v", got, err)
	}
	for _, payload := range []string{"a", "bb", "toolong", "dddd"} {
		testnet.Must(t, s.Send(netip.Addr{}, s.Local(), 0, []byte(payload)))
	}
	var got []string
	for _, want := range []int{3, 1, 0} {
		messages, err := s.Receive(batch)
		testnet.Must(t, err)
		if len(messages) != want {
			t.Errorf("a batch of %d, want %d", len(messages), want)
		}
		for _, m := range messages {
			got = append(got, string(m.Payload))
			if m.Truncated != (string(m.Payload) == "tool") {
				t.Errorf("%q truncated: %v", m.Payload, m.Truncated)
			}
		}
	}
	if diff := cmp.Diff([]string{"a", "bb", "tool", "dddd"}, got); diff != "" {
		t.Errorf("payloads (-want +got):\n%s", diff)
	}
}

func TestNothingIsAllocatedPerDatagram(t *testing.T) {
	s, err := udp.Open(udp.Config{Local: netip.AddrPortFrom(loopback, 0)})
	testnet.Must(t, err)
	defer s.Close()
	batch, payload := udp.NewBatch(4, 32), make([]byte, 24)
	allocs := testing.AllocsPerRun(100, func() {
		if err := s.Send(loopback, s.Local(), 1, payload); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Receive(batch); err != nil || len(got) != 1 {
			t.Fatal(len(got), err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a datagram", allocs)
	}
}

// BenchmarkSocket measures one datagram that a socket sends to itself and receives.
func BenchmarkSocket(b *testing.B) {
	s, err := udp.Open(udp.Config{Local: netip.AddrPortFrom(loopback, 0)})
	testnet.Must(b, err)
	defer s.Close()
	batch, payload := udp.NewBatch(4, 32), make([]byte, 24)
	b.ReportAllocs()
	for b.Loop() {
		testnet.Must(b, s.Send(loopback, s.Local(), 1, payload))
		if got, err := s.Receive(batch); err != nil || len(got) != 1 {
			b.Fatal(len(got), err)
		}
	}
}
