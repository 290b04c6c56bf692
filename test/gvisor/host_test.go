package gvisor

import (
	"math/rand"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/instant"
	"tandem/internal/mld"
)

var (
	group  = netip.MustParseAddr("ff1e::1")
	source = netip.MustParseAddr("2001:db8::1")
)

func (l *link) wants(group netip.Addr, want bool) {
	l.t.Helper()
	if l.router.Wants(group, source) != want {
		l.t.Errorf("at %v: group %v sent: %v, want %v", l.now, group, !want, want)
	}
}

// specific counts the queries for a group.
func (l *link) specific(group netip.Addr) (n int) {
	for _, q := range l.queries {
		if q.Group == group {
			n++
		}
	}
	return n
}

func TestJoinAndLeave(t *testing.T) {
	l := newLink(t, mld.DefaultConfig(), 2)
	l.hosts[0].join(t, group)
	l.run(2*time.Second, nil)
	l.wants(group, true)
	l.hosts[1].join(t, group)
	l.run(20*time.Second, nil)
	l.hosts[0].leave(t, group)
	l.run(10*time.Second, func() { l.wants(group, true) })
	if n := l.specific(group); n != 0 {
		t.Errorf("asked %d times though another listener is known", n)
	}
	l.hosts[1].leave(t, group)
	l.run(100*time.Millisecond, nil)
	l.wants(group, true) // until it has been asked for
	l.run(4*time.Second, nil)
	l.wants(group, false)
	if n := l.specific(group); n < 2 {
		t.Errorf("asked %d times, want at least the robustness of 2", n)
	}
	if l.seen[mld.TypeReportV2] == 0 || l.seen[mld.TypeReportV1]+l.seen[mld.TypeDone] != 0 {
		t.Errorf("hosts said %v", l.seen)
	}
}

// Answers to general queries alone keep a group for a day.
func TestDay(t *testing.T) {
	day := 24 * time.Hour
	if testing.Short() {
		day /= 24
	}
	for _, version := range []int{1, 2} {
		cfg := mld.DefaultConfig()
		cfg.Version = version
		l := newLink(t, cfg, 3)
		l.run(5*time.Second, nil) // they hear which version it is
		l.tick = time.Second
		for _, h := range l.hosts {
			h.join(t, group)
		}
		l.run(2*time.Second, nil)
		l.run(day, func() {
			if !l.router.Wants(group, source) {
				t.Fatalf("version %d: lost at %v", version, l.now)
			}
		})
	}
}

// A host that vanishes is forgotten after the listening interval, not before.
func TestSilence(t *testing.T) {
	cfg := mld.DefaultConfig()
	l := newLink(t, cfg, 1)
	l.hosts[0].join(t, group)
	l.run(cfg.QueryInterval+cfg.MaxResponse, nil)
	l.hosts[0].silenced = true
	l.run(cfg.ListeningInterval()-cfg.QueryInterval-cfg.MaxResponse, func() { l.wants(group, true) })
	l.run(cfg.QueryInterval+cfg.MaxResponse, nil)
	l.wants(group, false)
}

// Under a version 1 querier hosts suppress each other's reports, so a done says
// nothing about the others.
func TestVersion1(t *testing.T) {
	cfg := mld.DefaultConfig()
	cfg.Version = 1
	l := newLink(t, cfg, 3)
	l.run(5*time.Second, nil) // at first they have not heard of version 1
	before := l.misheard
	for _, h := range l.hosts {
		h.join(t, group)
	}
	l.run(10*time.Minute, nil)
	l.wants(group, true)
	for left, h := range l.hosts {
		h.leave(t, group)
		l.run(10*time.Second, nil)
		l.wants(group, left < len(l.hosts)-1)
	}
	if l.misheard != before || l.seen[mld.TypeReportV1] == 0 || l.seen[mld.TypeDone] == 0 {
		t.Errorf("hosts said %v", l.seen)
	}
}

// Whatever hosts join and leave, nobody misses a group, and nothing is sent longer
// than it takes to ask.
func TestChurn(t *testing.T) {
	cfg := mld.DefaultConfig()
	l := newLink(t, cfg, 8)
	rng := rand.New(rand.NewSource(1))
	joined := map[netip.Addr]map[int]bool{}
	since := map[netip.Addr]instant.Time{} // when a group's listeners began or ended
	const settle = 4 * time.Second         // a report with its repetition, and the question
	check := func() {
		for g, hosts := range joined {
			if l.now > since[g].Add(settle) && l.router.Wants(g, source) != (len(hosts) > 0) {
				t.Fatalf("at %v: group %v sent: %v, %d listeners", l.now, g, len(hosts) == 0, len(hosts))
			}
		}
	}
	for range 1500 {
		l.run(time.Duration(rng.Intn(60))*tick, check)
		g := netip.AddrFrom16([16]byte{0xff, 0x1e, 15: byte(1 + rng.Intn(5))})
		n := rng.Intn(len(l.hosts))
		if joined[g] == nil {
			joined[g] = map[int]bool{}
		}
		before := len(joined[g])
		if joined[g][n] {
			l.hosts[n].leave(t, g)
			delete(joined[g], n)
		} else {
			l.hosts[n].join(t, g)
			joined[g][n] = true
		}
		if before == 0 || len(joined[g]) == 0 {
			since[g] = l.now
		}
	}
}
