package sshd

import (
	"net/netip"
	"sync"
	"time"
)

// What others may cost, and how failed logins end. A source is an address, or
// the /64 of an IPv6 address, of which a host can have any.
const (
	maxLogins   = 10 // connections that have not logged in yet
	maxSessions = 16
	failLimit   = 5
	failWindow  = 5 * time.Minute
	blockTime   = 5 * time.Minute
	maxSources  = 4096 // that are remembered
)

// limits keeps the failed logins of each source.
type limits struct {
	mu      sync.Mutex
	sources map[netip.Prefix]*failures
}

type failures struct {
	count int
	since time.Time // the first of them
	until time.Time // blocked, zero when not
}

func sourceOf(a netip.Addr) netip.Prefix {
	bits := 32
	if a = a.Unmap(); a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits) // fits any address
	return p
}

// blocked tells whether a source may not even try.
func (l *limits) blocked(a netip.Addr, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.sources[sourceOf(a)]
	return f != nil && now.Before(f.until)
}

// failed notes a failed login and tells whether it is the one that blocks the source.
func (l *limits) failed(a netip.Addr, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	source := sourceOf(a)
	f := l.sources[source]
	if f == nil || now.Sub(f.since) > failWindow {
		l.forget(now)
		f = &failures{since: now}
		l.sources[source] = f
	}
	if f.count++; f.count < failLimit {
		return false
	}
	f.count, f.since, f.until = 0, now, now.Add(blockTime)
	return true
}

// forget makes room: what is over goes, and everything when that is not enough.
func (l *limits) forget(now time.Time) {
	if len(l.sources) < maxSources {
		return
	}
	for source, f := range l.sources {
		if now.Sub(f.since) > failWindow && now.After(f.until) {
			delete(l.sources, source)
		}
	}
	if len(l.sources) >= maxSources {
		clear(l.sources)
	}
}

// good forgets the failures of a source that has logged in.
func (l *limits) good(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sources, sourceOf(a))
}

// count tells how many sources are blocked.
func (l *limits) count(now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, f := range l.sources {
		if now.Before(f.until) {
			n++
		}
	}
	return n
}
