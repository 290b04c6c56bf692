package rbs

import (
	"bytes"
	"fmt"
	"time"

	"tandem/internal/instant"
)

// Receive handles received bytes. They may begin and end anywhere in a frame. An error
// ends the session; the records before the bad frame have been merged. Receive keeps no
// reference to b.
func (s *session) Receive(now instant.Time, b []byte) error {
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

// takeFrames handles the complete frames at the start of b, and returns their size.
func (s *session) takeFrames(now instant.Time, b []byte) (taken int, err error) {
	for {
		f, n, err := nextFrame(b[taken:])
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

func (s *session) take(now instant.Time, f frame) error {
	if f.Type == frameError {
		code, text, err := parseError(f.Body)
		if err != nil {
			return err
		}
		return &peerError{Code: code, Text: text}
	}
	if s.established == (f.Type == frameHello) {
		return violation("%v is not allowed here", f.Type)
	}
	switch f.Type {
	case frameHello:
		return s.takeHello(now, f.Body)
	case frameKeepalive:
		return s.takeKeepalive(now, f.Body)
	case frameStatusRequest:
		s.status.wanted = true
		return nil
	case frameStatus:
		s.status.told = bytes.Clone(f.Body)
		return nil
	case frameArriving:
		if s.streams.on {
			return s.takeArriving(now, f.Body)
		}
	}
	return s.takeReplication(now, f)
}

// takeReplication handles the frames of records and of comparisons.
func (s *session) takeReplication(now instant.Time, f frame) error {
	moved := s.stats.moved
	s.stats.moved = now
	switch f.Type {
	case frameDigests:
		return s.takeDigests(f.Body)
	case frameBucketRequest:
		return s.takeBucketRequest(now, f.Body)
	case frameRecords:
		return s.takeRecords(now, f.Body)
	case frameAck:
		return s.takeAck(now, f.Body)
	case frameEndOfSync:
		return s.takeEndOfSync(now, f.Body)
	}
	if s.version >= version2 {
		switch f.Type {
		case frameBatch:
			return s.takeBatch(now, f.Body)
		case frameBranchRequest:
			return s.takeBranchRequest(f.Body)
		case frameBranch:
			return s.takeBranch(now, f.Body)
		case frameLeafRequest:
			return s.takeLeafRequest(now, f.Body)
		}
	}
	s.stats.moved = moved
	s.counters.UnknownFrames++
	return nil
}

func (s *session) takeHello(now instant.Time, body []byte) error {
	h, err := parseHello(body)
	if err != nil {
		return err
	}
	if min(h.MaxVersion, maxVersion) < max(h.MinVersion, minVersion) {
		return &protocolError{codeVersion, fmt.Sprintf("peer speaks versions %d..%d, this device %d..%d",
			h.MinVersion, h.MaxVersion, minVersion, maxVersion)}
	}
	if h.Device == s.cfg.Device {
		return &protocolError{codeIdentity, fmt.Sprintf("both ends have device ID %016x", h.Device)}
	}
	if want := s.cfg.Pinned; want != 0 && h.Device != want {
		return &protocolError{codeIdentity, fmt.Sprintf("the peer has device ID %016x, its hellos have %016x", h.Device, want)}
	}
	if err := s.checkClock(now, h.Clock); err != nil {
		return err
	}
	s.peer, s.established, s.stats.began, s.stats.moved = h, true, now, now
	s.version = min(h.MaxVersion, maxVersion)
	if h.Boot == s.cfg.Met {
		s.clock.Observe(now, h.Clock)
	} else if by := s.clock.meet(now, h.Clock); by > 0 {
		s.store.Restamp(now, Version{h.Clock, h.Device}, by)
	}
	s.meetStreams(now)
	s.startComparison()
	return nil
}

// checkClock refuses a reading that no correct clock can show. It runs before Observe,
// which cannot be undone.
func (s *session) checkClock(now instant.Time, reading Stamp) error {
	if s.clock.believes(now, reading) {
		return nil
	}
	return violation("the peer's clock shows %s, ours %s", reading.Time().Format(time.DateOnly), time.UnixMilli(s.clock.own(now)).UTC().Format(time.DateOnly))
}

func (s *session) takeKeepalive(now instant.Time, body []byte) (err error) {
	if s.peerDigest, err = parseKeepalive(body); err != nil {
		return err
	}
	s.auditDigest(now)
	return nil
}

func (s *session) takeRecords(now instant.Time, body []byte) error {
	r, err := parseRecords(body)
	if err != nil {
		return err
	}
	return s.mergeAll(now, frameRecords, r.Sequence, r.Next)
}

func (s *session) takeBatch(now instant.Time, body []byte) error {
	b, err := parseBatch(body)
	if err != nil {
		return err
	}
	return s.mergeAll(now, frameBatch, b.Sequence, b.Next)
}

// mergeAll merges the records of a frame. If one is malformed, those before it are merged.
func (s *session) mergeAll(now instant.Time, t frameType, sequence uint64, next func(*Record) (bool, error)) error {
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

func (s *session) merge(now instant.Time, rec *Record) {
	s.clock.Observe(now, rec.Version.Clock)
	s.counters.RecordsReceived++
	s.stats.records.Received++
	s.audit.quiet = false
	*s.counters.merged(s.store.Merge(now, rec))++
	if rec.Deleted {
		s.store.Acked(now, rec.Key, rec.Version) // the peer has sent this tombstone, so it has it
	}
}

func (s *session) takeEndOfSync(now instant.Time, body []byte) error {
	sequence, err := parseEndOfSync(body)
	if err != nil {
		return err
	}
	if err := s.takeSequence(frameEndOfSync, sequence); err != nil {
		return err
	}
	s.endOfSync(now, &s.stats.inbound)
	if s.tellNext {
		s.tellDigests()
	}
	return nil
}

// takeSequence checks that no frame is missing before this one, and schedules its
// acknowledgement.
func (s *session) takeSequence(t frameType, sequence uint64) error {
	if sequence != s.received+1 {
		return violation("%v has sequence number %d, want %d", t, sequence, s.received+1)
	}
	s.received, s.ackDue = sequence, true
	return nil
}

func (s *session) takeAck(now instant.Time, body []byte) error {
	sequence, err := parseAck(body)
	if err != nil {
		return err
	}
	if sequence > s.window.last {
		return violation("ACK of %d, only %d sent", sequence, s.window.last)
	}
	records, ended := s.window.ack(now, sequence, func(key Key, v Version) { s.store.Acked(now, key, v) }, s.cfg.Lags)
	s.counters.RecordsAcked += uint64(records)
	if ended {
		s.endOfSync(now, &s.stats.outbound)
	}
	return nil
}
