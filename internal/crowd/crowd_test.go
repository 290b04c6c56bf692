package crowd

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// idle is a connection that sends nothing.
type idle struct {
	net.Conn
	number int
}

// TestVictim: the source with the most connections loses one of them, and a distrusted
// source loses one before any other source.
func TestVictim(t *testing.T) {
	const most = 32
	greedy, modest, doubtful := netip.MustParsePrefix("2001:db8:1::/64"), netip.MustParsePrefix("2001:db8:2::/64"), netip.MustParsePrefix("2001:db8:3::/64")
	c := New(most)
	for i := range most - 2 {
		c.Add(&idle{number: i}, greedy, false)
	}
	c.Add(&idle{number: -1}, modest, false)
	c.Add(&idle{number: -2}, doubtful, true)
	if got := c.Add(&idle{number: -3}, modest, false); got.(*idle).number != -2 {
		t.Errorf("%v goes, not the distrusted source", got)
	}
	for range 10 * most {
		before := c.count(modest)
		if c.Add(&idle{}, greedy, false); c.count(modest) != before || len(c.list) != most {
			t.Fatalf("%d of %d are left, of %d in all", c.count(modest), before, len(c.list))
		}
	}
}

func (c *Crowd) count(source netip.Prefix) (n int) {
	for _, m := range c.list {
		if m.source == source {
			n++
		}
	}
	return n
}

func TestSource(t *testing.T) {
	for address, want := range map[string]string{
		"2001:db8::1": "2001:db8::/64", "fe80::1%eth0": "fe80::/64", "192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32",
	} {
		if got := Source(netip.MustParseAddr(address)); got.String() != want {
			t.Errorf("%s counts as %v, not %s", address, got, want)
		}
	}
}

// TestListener opens more idle connections than the listener holds: it closes an old one
// for each further one. When a connection ends, there is room again.
func TestListener(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(inner, 2)
	defer l.Close()
	open := func() (ours, theirs net.Conn) {
		t.Helper()
		ours, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ours.Close() })
		if theirs, err = l.Accept(); err != nil {
			t.Fatal(err)
		}
		return ours, theirs
	}
	// ended reports whether the other end closes a connection within a time.
	ended := func(c net.Conn, within time.Duration) bool {
		t.Helper()
		if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
			t.Fatal(err)
		}
		_, err := c.Read(make([]byte, 1))
		return err == io.EOF
	}
	first, atFirst := open()
	second, _ := open()
	if ended(first, 10*time.Millisecond) || ended(second, 10*time.Millisecond) {
		t.Fatal("closed although there is room")
	}
	for range 2 { // a connection that is closed twice counts once
		atFirst.Close()
	}
	third, _ := open()
	if ended(second, 10*time.Millisecond) || ended(third, 10*time.Millisecond) {
		t.Error("there is no room again")
	}
	fourth, _ := open()
	if ended(second, 100*time.Millisecond) == ended(third, time.Second) {
		t.Error("not exactly one went")
	}
	if ended(fourth, 10*time.Millisecond) {
		t.Error("the new one was refused")
	}
}
