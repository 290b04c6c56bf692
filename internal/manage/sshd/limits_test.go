package sshd

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	l := limits{sources: map[netip.Prefix]*failures{}}
	a, neighbour, other := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("192.0.2.1")
	now := time.Now()
	for i := range failLimit {
		if l.blocked(a, now) {
			t.Fatalf("blocked after %d", i)
		}
		if last := l.failed(a, now); last != (i == failLimit-1) {
			t.Fatalf("failure %d blocks: %v", i+1, last)
		}
	}
	if !l.blocked(a, now) || !l.blocked(neighbour, now) || l.blocked(other, now) || l.count(now) != 1 {
		t.Error("the wrong sources are blocked")
	}
	if l.blocked(a, now.Add(blockTime)) {
		t.Error("it stays blocked")
	}
	// Failures with long times between them do not block a source.
	for i := range 3 * failLimit {
		if l.failed(other, now.Add(time.Duration(i)*failWindow/2)) {
			t.Fatal("blocked by failures that are far apart")
		}
	}
	l.failed(other, now)
	l.good(other)
	if len(l.sources) != 1 {
		t.Error("a good login leaves failures")
	}
	// The memory is limited, however many sources there are.
	for i := range 3 * maxSources {
		l.failed(netip.AddrFrom16([16]byte{0x20, 1, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	if len(l.sources) > maxSources {
		t.Errorf("%d sources", len(l.sources))
	}
}

// idle is a connection that does nothing.
type idle struct {
	net.Conn
	number int
}

// TestVictim: the source with the most connections loses one, a blocked source before all.
func TestVictim(t *testing.T) {
	greedy, modest, blocked := netip.MustParsePrefix("2001:db8:1::/64"), netip.MustParsePrefix("2001:db8:2::/64"), netip.MustParsePrefix("2001:db8:3::/64")
	l := logins{}
	for i := range maxLogins - 2 {
		l.add(&idle{number: i}, login{source: greedy})
	}
	l.add(&idle{number: -1}, login{source: modest})
	l.add(&idle{number: -2}, login{source: blocked, blocked: true})
	if got := l.add(&idle{number: -3}, login{source: modest}); got.(*idle).number != -2 {
		t.Errorf("%v goes, not the blocked source", got)
	}
	for range 10 * maxLogins {
		before := l.count(modest)
		if l.add(&idle{}, login{source: greedy}); l.count(modest) != before || len(l) != maxLogins {
			t.Fatalf("%d of %d are left, of %d in all", l.count(modest), before, len(l))
		}
	}
}

func (l logins) count(source netip.Prefix) (n int) {
	for _, from := range l {
		if from.source == source {
			n++
		}
	}
	return n
}
