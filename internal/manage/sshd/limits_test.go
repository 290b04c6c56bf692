package sshd

import (
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
