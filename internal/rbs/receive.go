package rbs

import (
	"bytes"
	"fmt"
	"time"

	"tandem/internal/instant"
)

// Receive takes in bytes as they came, however the stream was cut. An error
// ends the session; what came before the fault has been merged. b is not kept.
func (s *Session) Receive(now instant.Time, b []byte) error {
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
func (s *Session) takeFrames(now instant.Time, b []byte) (taken int, err error) {
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

func (s *Session) take(now instant.Time, f Frame) error {
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
	case FrameStatusRequest:
		s.status.wanted = true
		return nil
	case FrameStatus:
		s.status.told = bytes.Clone(f.Body)
		return nil
	}
	return s.takeReplication(now, f)
}

// takeReplication handles records and what comparisons are made of.
func (s *Session) takeReplication(now instant.Time, f Frame) error {
	moved := s.stats.moved
	s.stats.moved = now
	switch f.Type {
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
	s.stats.moved = moved
	s.counters.UnknownFrames++
	return nil
}

func (s *Session) takeHello(now instant.Time, body []byte) error {
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
	if err := s.checkClock(now, h.Clock); err != nil {
		return err
	}
	s.peer, s.established, s.stats.began, s.stats.moved = h, true, now, now
	s.version = min(h.MaxVersion, MaxVersion)
	if h.Boot == s.cfg.Met {
		s.clock.Observe(now, h.Clock)
	} else if by := s.clock.meet(now, h.Clock); by > 0 {
		s.store.Restamp(now, Version{h.Clock, h.Device}, by)
	}
	s.startComparison()
	return nil
}

// checkClock refuses what no clock can have shown, before it is taken over for good.
func (s *Session) checkClock(now instant.Time, reading Stamp) error {
	if s.clock.believes(now, reading) {
		return nil
	}
	return violation("the peer's clock shows %s, ours %s", reading.Time().Format(time.DateOnly), s.clock.reading(now).Time().Format(time.DateOnly))
}

func (s *Session) takeKeepalive(now instant.Time, body []byte) (err error) {
	if s.peerDigest, err = ParseKeepalive(body); err != nil {
		return err
	}
	s.auditDigest(now)
	return nil
}

func (s *Session) takeRecords(now instant.Time, body []byte) error {
	r, err := ParseRecords(body)
	if err != nil {
		return err
	}
	return s.mergeAll(now, FrameRecords, r.Sequence, r.Next)
}

func (s *Session) takeBatch(now instant.Time, body []byte) error {
	b, err := ParseBatch(body)
	if err != nil {
		return err
	}
	return s.mergeAll(now, FrameBatch, b.Sequence, b.Next)
}

// mergeAll merges the records of a frame. What came before one that is malformed counts.
func (s *Session) mergeAll(now instant.Time, t FrameType, sequence uint64, next func(*Record) (bool, error)) error {
	if err := s.takeSequence(t, sequence); err != nil {
		return err
	}
	defer s.store.EndMerge(now)
	for {
		more, err := next(&s.record)
		if !more || err != nil {
			return err
		}
		if err := s.checkClock(now, s.record.Version.Clock); err != nil {
			return err
		}
		s.merge(now, &s.record)
	}
}

func (s *Session) merge(now instant.Time, rec *Record) {
	s.clock.Observe(now, rec.Version.Clock)
	s.counters.RecordsReceived++
	s.stats.records.Received++
	s.audit.quiet = false
	*s.counters.merged(s.store.Merge(now, rec))++
	if rec.Deleted {
		s.store.Acked(rec.Key, rec.Version) // whoever tells a tombstone holds it
	}
}

func (s *Session) takeEndOfSync(now instant.Time, body []byte) error {
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

func (s *Session) takeAck(now instant.Time, body []byte) error {
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
