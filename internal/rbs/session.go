package rbs

import (
	"time"

	"tandem/internal/instant"
	"tandem/internal/latency"
)

// sessionConfig is what a session is made with.
type sessionConfig struct {
	Device, Boot                    uint64
	KeepaliveInterval, DeadInterval time.Duration
	// Untold is how many changes have been made while there was no connection.
	Untold uint32
	// Met is the boot ID of the peer that was greeted last, 0 for none.
	Met uint64
	// Lags counts, for each record, the time from its change to its acknowledgement;
	// nil where nobody wants to know.
	Lags *latency.Histogram
}

// session is the protocol on one connection: greeting, synchronisation, live
// changes, acknowledgements and keepalives. It dies with the connection.
type session struct {
	cfg      sessionConfig
	store    Store
	clock    *Clock
	counters *Counters
	err      error // why the session is over

	in, out   []byte       // a frame that came in part; the chunk made last
	partSince instant.Time // when the first byte of what is in in came

	greeted     bool   // our HELLO has been made
	established bool   // the peer's HELLO has come and a version is agreed
	version     uint16 // the agreed one
	peer        Hello

	started      instant.Time
	heard        instant.Time // when the last byte came
	keepaliveAt  instant.Time
	keepaliveDue bool
	peerDigest   uint64

	received uint64 // sequence number taken in last
	record   Record // decoded last, its memory used again
	ackDue   bool

	dirty  dirtyQueue
	window window
	compare
	answers
	audit  audit
	status statusExchange
	stats  syncProgress
}

// maxInFlight is how many records may be unacknowledged.
const maxInFlight = 1 << 15

// stallTimeout bounds the time that one frame may take to come whole, or to be
// acknowledged after the one before it: ample for a slow line, and an end to
// waiting for a frame whose length field is wrong or that the peer has lost.
const stallTimeout = 15 * time.Second

// compareTimeout bounds how long a comparison may wait for its next frame: as long as an
// audit may find something under way.
const compareTimeout = auditPeriod

// newSession returns the session of a connection that has just been made.
// Counters are counted on; they may be shared with other sessions.
func newSession(now instant.Time, cfg sessionConfig, store Store, clock *Clock, counters *Counters) *session {
	return &session{
		cfg: cfg, store: store, clock: clock, counters: counters,
		started: now, heard: now, keepaliveAt: now.Add(cfg.KeepaliveInterval),
	}
}

// Established reports whether both ends have agreed on a version.
func (s *session) Established() bool { return s.established }

// Peer returns the peer's HELLO, the zero Hello before it has come.
func (s *session) Peer() Hello { return s.peer }

// InSync reports whether a synchronisation has ended in both directions.
func (s *session) InSync() bool { return s.stats.once }

// Dirty queues a change of a record, to be read from the store when it is sent.
func (s *session) Dirty(now instant.Time, key Key) { s.dirty.push(now, key) }

// Advance does what is due. An error ends the session.
func (s *session) Advance(now instant.Time) error {
	if s.err != nil {
		return s.err
	}
	if now >= s.deadAt() {
		s.err = &silentError{Interval: s.cfg.DeadInterval}
		return s.err
	}
	if err := s.stalled(now); err != nil {
		s.err = err
		return err
	}
	if now >= s.keepaliveAt {
		s.keepaliveDue = s.established
		s.keepaliveAt = now.Add(s.cfg.KeepaliveInterval)
	}
	return nil
}

// Deadline is when Advance must be called next.
func (s *session) Deadline() instant.Time {
	return instant.Earliest(s.keepaliveAt, s.deadAt(), s.stalledAt())
}

// deadAt is when the peer is given up. The greeting has the same time in all,
// so that a connection cannot be held open by a trickle of bytes.
func (s *session) deadAt() instant.Time {
	if !s.established {
		return s.started.Add(s.cfg.DeadInterval)
	}
	return s.heard.Add(s.cfg.DeadInterval)
}

// stalledAt is when a frame that has come in part must be whole, or another
// frame must be acknowledged, Never when nothing is waited for.
func (s *session) stalledAt() (at instant.Time) {
	if len(s.in) > 0 {
		at = s.partSince.Add(stallTimeout)
	}
	if s.window.frames.len() > 0 {
		at = instant.Earliest(at, s.window.moved.Add(stallTimeout))
	}
	if s.comparing() {
		at = instant.Earliest(at, s.stats.moved.Add(compareTimeout))
	}
	return at
}

// stalled returns the error of a stream that keeps coming but leads nowhere.
func (s *session) stalled(now instant.Time) error {
	switch {
	case !s.stalledAt().IsDue(now):
		return nil
	case len(s.in) > 0 && now >= s.partSince.Add(stallTimeout):
		return violation("a frame has not come whole in %v", stallTimeout)
	case s.comparing() && now >= s.stats.moved.Add(compareTimeout):
		return violation("the comparison has not got on in %v", compareTimeout)
	}
	return violation("no acknowledgement in %v", stallTimeout)
}

// Lag tells what the peer has not acknowledged: how many records are queued or
// under way, and the age of the oldest.
func (s *session) Lag(now instant.Time) (records int, age time.Duration) {
	records = s.dirty.len() + s.window.records + s.answers.remaining()
	oldest := now
	if s.dirty.len() > 0 {
		oldest = s.dirty.first().since
	}
	for _, f := range s.window.frames.all() {
		oldest = instant.Earliest(oldest, f.since)
	}
	if s.answers.busy() {
		oldest = instant.Earliest(oldest, s.stats.began)
	}
	return records, now.Sub(oldest)
}
