package sshd

import (
	"net/netip"
	"sync"
	"time"

	"tandem/internal/crowd"
)

// Limits on connections and on failed logins. The failed logins of a source are counted
// together, see [crowd.Source].
const (
	maxLogins       = 32 // connections that are not logged in yet
	maxSessions     = 16
	maxUserSessions = maxSessions / 2 // sessions of one user at a time
	failLimit       = 5
	failWindow      = 5 * time.Minute
	blockTime       = 5 * time.Minute
	hurry           = 10 * time.Second // the time in which a client of a blocked source must log in
	maxSources      = 4096             // sources whose failed logins are remembered
)

// limits keeps the failed logins of each source.
type limits struct {
	mu      sync.Mutex
	sources map[netip.Prefix]*failures
}

type failures struct {
	count int
	since time.Time // time of the first of them
	until time.Time // end of the block, zero if not blocked
}

// blocked reports whether a source has failed to log in too often lately. A blocked
// source is the first that loses a connection, and has less time to log in. The right key
// is accepted even from a blocked source: otherwise one host could lock out an
// administrator in the same /64.
func (l *limits) blocked(a netip.Addr, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.sources[crowd.Source(a)]
	return f != nil && now.Before(f.until)
}

// failed records a failed login. It reports whether this login causes the block of the
// source.
func (l *limits) failed(a netip.Addr, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	source := crowd.Source(a)
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

// forget makes room for another source: it removes entries that have expired, and all
// entries if that is not enough.
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

// good removes the failures of a source that has logged in.
func (l *limits) good(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sources, crowd.Source(a))
}

// count returns how many sources are blocked.
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
