package rbs

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"tandem/internal/latency"
)

// SessionConfig is what a session is made with.
type SessionConfig struct {
	Device, Boot                    uint64
	KeepaliveInterval, DeadInterval time.Duration
	// Lags counts, for each record, the time from its change to its acknowledgement;
	// nil where nobody wants to know.
	Lags *latency.Histogram
}

// Session is the protocol on one connection: greeting, synchronisation, live
// changes, acknowledgements and keepalives. It dies with the connection.
type Session struct {
	cfg      SessionConfig
	store    Store
	clock    *Clock
	counters *Counters
	err      error // why the session is over

	in, out   []byte        // a frame that came in part; the chunk made last
	partSince time.Duration // when the first byte of what is in in came

	greeted     bool   // our HELLO has been made
	established bool   // the peer's HELLO has come and a version is agreed
	version     uint16 // the agreed one
	peer        Hello

	started      time.Duration
	heard        time.Duration // when the last byte came
	keepaliveAt  time.Duration
	keepaliveDue bool
	peerDigest   uint64

	received uint64 // sequence number taken in last
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

// NewSession returns the session of a connection that has just been made.
// Counters are counted on; they may be shared with other sessions.
func NewSession(now time.Duration, cfg SessionConfig, store Store, clock *Clock, counters *Counters) *Session {
	return &Session{
		cfg: cfg, store: store, clock: clock, counters: counters,
		started: now, heard: now, keepaliveAt: now + cfg.KeepaliveInterval,
	}
}

// Established reports whether both ends have agreed on a version.
func (s *Session) Established() bool { return s.established }

// Peer returns the peer's HELLO, the zero Hello before it has come.
func (s *Session) Peer() Hello { return s.peer }

// InSync reports whether a synchronisation has ended in both directions.
func (s *Session) InSync() bool { return s.stats.once }

// Dirty queues a change of a record, to be read from the store when it is sent.
func (s *Session) Dirty(now time.Duration, key Key) { s.dirty.push(now, key) }

// Receive takes in bytes as they came, however the stream was cut. An error
// ends the session; what came before the fault has been merged. b is not kept.
func (s *Session) Receive(now time.Duration, b []byte) error {
	if s.err != nil {
		return s.err
	}
	s.heard = now
	s.counters.BytesReceived += uint64(len(b))
	if len(s.in) > 0 {
		s.in = append(s.in, b...)
		b = s.in
	} else {
		s.partSince = now
	}
	n, err := s.takeFrames(now, b)
	if err != nil {
		s.err = err
		return err
	}
	if n > 0 {
		s.partSince = now
	}
	s.in = append(s.in[:0], b[n:]...)
	return nil
}

// takeFrames handles the whole frames at the start of b and returns their size.
func (s *Session) takeFrames(now time.Duration, b []byte) (taken int, err error) {
	for {
		f, n, err := NextFrame(b[taken:])
		if n == 0 || err != nil {
			return taken, err
		}
		s.counters.FramesReceived++
		if err := s.take(now, f); err != nil {
			return taken, err
		}
		taken += n
	}
}

func (s *Session) take(now time.Duration, f Frame) error {
	if f.Type == FrameError {
		code, text, err := ParseError(f.Body)
		if err != nil {
			return err
		}
		return &PeerError{Code: code, Text: text}
	}
	if s.established == (f.Type == FrameHello) {
		return violation("%v is not allowed here", f.Type)
	}
	switch f.Type {
	case FrameHello:
		return s.takeHello(now, f.Body)
	case FrameKeepalive:
		return s.takeKeepalive(now, f.Body)
	case FrameDigests:
		return s.takeDigests(f.Body)
	case FrameBucketRequest:
		return s.takeBucketRequest(f.Body)
	case FrameRecords:
		return s.takeRecords(now, f.Body)
	case FrameAck:
		return s.takeAck(now, f.Body)
	case FrameEndOfSync:
		return s.takeEndOfSync(now, f.Body)
	case FrameStatusRequest:
		s.status.wanted = true
		return nil
	case FrameStatus:
		s.status.told = bytes.Clone(f.Body)
		return nil
	}
	if s.version >= Version2 {
		switch f.Type {
		case FrameBatch:
			return s.takeBatch(now, f.Body)
		case FrameBranchRequest:
			return s.takeBranchRequest(f.Body)
		case FrameBranch:
			return s.takeBranch(f.Body)
		case FrameLeafRequest:
			return s.takeLeafRequest(f.Body)
		}
	}
	s.counters.UnknownFrames++
	return nil
}

func (s *Session) takeHello(now time.Duration, body []byte) error {
	h, err := ParseHello(body)
	if err != nil {
		return err
	}
	if min(h.MaxVersion, MaxVersion) < max(h.MinVersion, MinVersion) {
		return &ProtocolError{CodeVersion, fmt.Sprintf("peer speaks versions %d..%d, this device %d..%d",
			h.MinVersion, h.MaxVersion, MinVersion, MaxVersion)}
	}
	if h.Device == s.cfg.Device {
		return &ProtocolError{CodeIdentity, fmt.Sprintf("both ends have device ID %016x", h.Device)}
	}
	s.peer, s.established, s.stats.began = h, true, now
	s.version = min(h.MaxVersion, MaxVersion)
	s.clock.Observe(now, h.Clock)
	s.startComparison()
	return nil
}

func (s *Session) takeKeepalive(now time.Duration, body []byte) (err error) {
	if s.peerDigest, err = ParseKeepalive(body); err != nil {
		return err
	}
	s.auditDigest(now)
	return nil
}

func (s *Session) takeRecords(now time.Duration, body []byte) error {
	records, err := ParseRecords(body)
	if err != nil {
		return err
	}
	if err := s.takeSequence(FrameRecords, records.Sequence); err != nil {
		return err
	}
	return s.mergeAll(now, records.Next)
}

func (s *Session) takeBatch(now time.Duration, body []byte) error {
	batch, err := ParseBatch(body)
	if err != nil {
		return err
	}
	if err := s.takeSequence(FrameBatch, batch.Sequence); err != nil {
		return err
	}
	return s.mergeAll(now, batch.Next)
}

// mergeAll merges the records of a frame. What came before one that is malformed counts.
func (s *Session) mergeAll(now time.Duration, next func(*Record) (bool, error)) error {
	defer s.store.EndMerge(now)
	for {
		var rec Record // the store keeps it, sources and all
		more, err := next(&rec)
		if !more || err != nil {
			return err
		}
		s.merge(now, rec)
	}
}

func (s *Session) merge(now time.Duration, rec Record) {
	s.clock.Observe(now, rec.Version.Clock)
	s.counters.RecordsReceived++
	s.stats.records.Received++
	s.audit.quiet = false
	key, version, tombstone := rec.Key, rec.Version, rec.Deleted
	*s.counters.merged(s.store.Merge(now, rec))++
	if tombstone {
		s.store.Acked(key, version) // whoever tells a tombstone holds it
	}
}

func (s *Session) takeEndOfSync(now time.Duration, body []byte) error {
	sequence, err := ParseEndOfSync(body)
	if err != nil {
		return err
	}
	if err := s.takeSequence(FrameEndOfSync, sequence); err != nil {
		return err
	}
	s.endOfSync(now, &s.stats.inbound)
	if s.tellNext {
		s.tellDigests()
	}
	return nil
}

// takeSequence checks that no sequenced frame is missing before this one and
// has it acknowledged.
func (s *Session) takeSequence(t FrameType, sequence uint64) error {
	if sequence != s.received+1 {
		return violation("%v has sequence number %d, want %d", t, sequence, s.received+1)
	}
	s.received, s.ackDue = sequence, true
	return nil
}

func (s *Session) takeAck(now time.Duration, body []byte) error {
	sequence, err := ParseAck(body)
	if err != nil {
		return err
	}
	if sequence > s.window.last {
		return violation("ACK of %d, only %d sent", sequence, s.window.last)
	}
	records, ended := s.window.ack(now, sequence, s.store.Acked, s.cfg.Lags)
	s.counters.RecordsAcked += uint64(records)
	if ended {
		s.endOfSync(now, &s.stats.outbound)
	}
	return nil
}

// Advance does what is due. An error ends the session.
func (s *Session) Advance(now time.Duration) error {
	if s.err != nil {
		return s.err
	}
	if now >= s.deadAt() {
		s.err = &SilentError{Interval: s.cfg.DeadInterval}
		return s.err
	}
	if err := s.stalled(now); err != nil {
		s.err = err
		return err
	}
	if now >= s.keepaliveAt {
		s.keepaliveDue = s.established
		s.keepaliveAt = now + s.cfg.KeepaliveInterval
	}
	return nil
}

// Deadline is when Advance must be called next.
func (s *Session) Deadline() time.Duration {
	return min(s.keepaliveAt, s.deadAt(), s.stalledAt())
}

// deadAt is when the peer is given up. The greeting has the same time in all,
// so that a connection cannot be held open by a trickle of bytes.
func (s *Session) deadAt() time.Duration {
	if !s.established {
		return s.started + s.cfg.DeadInterval
	}
	return s.heard + s.cfg.DeadInterval
}

// stalledAt is when a frame that has come in part must be whole, or another
// frame must be acknowledged.
func (s *Session) stalledAt() time.Duration {
	at := time.Duration(math.MaxInt64)
	if len(s.in) > 0 {
		at = s.partSince + stallTimeout
	}
	if s.window.frames.len() > 0 {
		at = min(at, s.window.moved+stallTimeout)
	}
	return at
}

// stalled returns the error of a stream that keeps coming but leads nowhere.
func (s *Session) stalled(now time.Duration) error {
	switch {
	case now < s.stalledAt():
		return nil
	case len(s.in) > 0 && now >= s.partSince+stallTimeout:
		return violation("a frame has not come whole in %v", stallTimeout)
	}
	return violation("no acknowledgement in %v", stallTimeout)
}

// Lag tells what the peer has not acknowledged: how many records are queued or
// under way, and the age of the oldest.
func (s *Session) Lag(now time.Duration) (records int, age time.Duration) {
	records = s.dirty.len() + s.window.records + s.answers.remaining()
	oldest := now
	if s.dirty.len() > 0 {
		oldest = s.dirty.first().since
	}
	for _, f := range s.window.frames.all() {
		oldest = min(oldest, f.since)
	}
	if s.answers.busy() {
		oldest = min(oldest, s.stats.began)
	}
	return records, now - oldest
}
