package rbs

import (
	"time"

	"tandem/internal/instant"
	"tandem/internal/latency"
)

// sessionConfig holds the parameters of a session.
type sessionConfig struct {
	Device, Boot                    uint64
	KeepaliveInterval, DeadInterval time.Duration
	// Untold is the number of changes that were made while there was no connection.
	Untold uint32
	// Met is the boot number of the peer of the last established connection, 0 for none.
	Met uint64
	// Pinned is the device ID that the peer must have, 0 for any ID.
	Pinned uint64
	// Streams knows the streams to report to the peer, nil if streams are not reported.
	Streams Streams
	// Lags is a histogram of the time from a record's change to its acknowledgement; nil
	// if it is not wanted.
	Lags *latency.Histogram
}

// session is the protocol on one connection: HELLO, synchronisation, live changes,
// acknowledgements and keepalives. It ends with the connection.
type session struct {
	cfg      sessionConfig
	store    Store
	clock    *Clock
	counters *Counters
	err      error // why the session has ended; nil while it runs

	in, out   []byte       // in: the received part of a frame; out: the chunk that Output returned last
	partSince instant.Time // when the first byte of in came

	greeted     bool   // Output has returned this device's HELLO
	established bool   // the peer's HELLO has come and has a common version
	version     uint16 // the agreed protocol version
	peer        Hello

	started      instant.Time
	heard        instant.Time // when the last byte came from the peer
	keepaliveAt  instant.Time
	keepaliveDue bool
	peerDigest   uint64

	received uint64 // the last sequence number received
	record   Record // the record decoded last; its memory is used again
	ackDue   bool

	dirty  dirtyQueue[Key]
	window window
	compare
	answers
	audit   audit
	status  statusExchange
	streams streamExchange
	stats   syncProgress
}

// maxInFlight is how many records may be sent before the peer has to acknowledge some.
const maxInFlight = 1 << 15

// stallTimeout bounds the time in which a frame must be received completely, and the time
// between two acknowledgements. It suffices for a slow line. It ends a session that waits
// for a frame whose length is wrong, or for the acknowledgement of a frame that the peer
// has lost.
const stallTimeout = 15 * time.Second

// compareTimeout bounds the time that a comparison waits for the peer's next frame.
const compareTimeout = auditPeriod

// newSession returns the session of a new connection. It adds to the counters, which other
// sessions may use, too.
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

// Dirty queues the key of a record that has changed. The record is read from the store when
// it is sent.
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

// deadAt returns when the peer counts as dead if no byte comes. The whole HELLO must come
// within the same time, so that a few bytes now and then cannot keep a connection open.
func (s *session) deadAt() instant.Time {
	if !s.established {
		return s.started.Add(s.cfg.DeadInterval)
	}
	return s.heard.Add(s.cfg.DeadInterval)
}

// stalledAt returns until when the rest of a frame, or an acknowledgement, must come;
// Never if the session waits for neither.
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

// stalled returns the error of a session whose peer sends bytes but makes no progress.
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

// Lag returns how many records the peer has not acknowledged, whether they are queued or
// sent, and the age of the oldest change among them.
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
