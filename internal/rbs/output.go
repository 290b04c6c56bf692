package rbs

import (
	"slices"

	"tandem/internal/instant"
)

// Output returns the next bytes to send, nil if there are none. It returns at most limit
// bytes; a limit below maxFrame counts as maxFrame. The bytes are valid until the next
// call. Frames are made only here, when they can be sent. So a change that comes while
// the connection is busy costs only its key in the queue.
func (s *session) Output(now instant.Time, limit int) []byte {
	s.out = s.out[:0]
	if s.err != nil {
		return nil
	}
	limit = max(limit, maxFrame)
	if !s.greeted {
		s.putHello(now)
	}
	if s.established {
		s.putSmall()
		s.putArriving(now, limit)
		s.putStatus(limit)
		s.putDigests(limit)
		s.putBranches(now, limit)
		s.putLeafRequests(limit)
		s.putRequests(now, limit)
		s.putRecords(now, limit)
	}
	if len(s.out) == 0 {
		return nil
	}
	return s.out
}

// Pending reports whether Output may have something to send.
func (s *session) Pending() bool {
	if s.err != nil {
		return false
	}
	if !s.greeted || !s.established {
		return !s.greeted
	}
	return s.keepaliveDue || s.ackDue || s.status.pending() || s.streams.pending() || s.telling || len(s.tellLeaf)+len(s.ask)+len(s.askLeaf) > 0 || s.askLast && !s.asking() ||
		s.windowOpen() && (s.dirty.len() > 0 || s.answers.busy())
}

func (s *session) windowOpen() bool { return s.window.records < maxInFlight }

// open reports whether the window has room for one more record that the peer has not
// acknowledged.
func (f *recordsFrame) open() bool { return f.session.window.records+f.records < maxInFlight }

func (s *session) putHello(now instant.Time) {
	s.greeted = true
	features := featureStatus
	if s.cfg.Streams != nil {
		features |= featureArriving
	}
	s.out = AppendHello(s.out, Hello{
		MinVersion: minVersion, MaxVersion: maxVersion, Features: features,
		Device: s.cfg.Device, Boot: s.cfg.Boot,
		Clock:   s.clock.Now(now),
		Buckets: uint32(s.store.Buckets()),
		Untold:  s.cfg.Untold,
	})
	s.counters.FramesSent++
}

// putSmall appends the small frames, which must not wait behind records.
func (s *session) putSmall() {
	if s.ackDue {
		s.ackDue = false
		s.out = appendAck(s.out, s.received)
		s.counters.FramesSent++
	}
	if s.keepaliveDue {
		s.keepaliveDue = false
		s.out = appendKeepalive(s.out, totalDigest(s.store))
		s.counters.FramesSent++
	}
}

func (s *session) putDigests(limit int) {
	if !s.telling {
		return
	}
	room := min((limit-len(s.out)-headerSize-4)/8, maxDigests)
	n := min(s.store.Buckets()-s.tell, room)
	if n <= 0 {
		return
	}
	digests := make([]uint64, n)
	for i := range digests {
		digests[i] = s.store.Digest(s.tell + i)
	}
	s.out = appendDigests(s.out, uint32(s.tell), digests)
	s.counters.FramesSent++
	s.tell += n
	s.telling = s.tell < s.store.Buckets()
}

// putRecords appends one frame of records. Live changes come first. While a comparison has
// records to send, too, live changes get at most half the frame.
func (s *session) putRecords(now instant.Time, limit int) {
	f := recordsFrame{session: s, now: now, since: now}
	f.batch.start = len(s.out)
	full := min(limit, len(s.out)+maxFrame)
	f.limit = full
	if s.answers.busy() {
		f.limit = len(s.out) + (full-len(s.out))/2
	}
	for s.dirty.len() > 0 && f.open() {
		d := s.dirty.first()
		if rec, ok := s.store.Record(now, d.key); ok && !f.put(&rec, d.since, true) {
			break
		}
		s.dirty.pop()
	}
	f.limit = full
	ended := s.putAnswer(now, &f)
	f.finish()
	if ended {
		s.putEndOfSync(now, limit)
	}
}

// putAnswer adds records of the current answer, as many as fit. It reports whether the
// answer has ended.
func (s *session) putAnswer(now instant.Time, f *recordsFrame) (ended bool) {
	if !s.answers.busy() {
		return false
	}
	a := &s.queue[0]
	for a.refill(s.store); len(a.refs) > 0; a.refill(s.store) {
		if !f.open() {
			return false
		}
		if rec, ok := s.store.At(now, a.refs[0]); ok && !f.put(&rec, s.stats.began, rec.Deleted) {
			return false
		}
		a.refs = a.refs[1:]
	}
	return true
}

func (s *session) putEndOfSync(now instant.Time, limit int) {
	const size = headerSize + 8
	if len(s.out)+size > limit {
		return
	}
	s.queue = slices.Delete(s.queue, 0, 1)
	s.out = appendEndOfSync(s.out, s.window.next())
	s.window.sent(now, flight{since: now, end: true})
	s.counters.FramesSent++
}

// recordsFrame is an unfinished frame of records. Its first record begins the frame.
type recordsFrame struct {
	session        *session
	now, since     instant.Time
	limit          int
	records, noted int
	batch          batchWriter
}

// put appends a record. It returns false if there is no room for it. If noted is set, the
// session reports the record to the store when the peer acknowledges it.
func (f *recordsFrame) put(rec *Record, since instant.Time, noted bool) bool {
	s := f.session
	if len(rec.Sources) > maxSources {
		s.counters.RecordsTooLarge++
		return true
	}
	size := recordSize(rec)
	if s.version >= version2 {
		size = f.batch.size(rec)
	}
	if f.records == 0 {
		size += headerSize + recordsFixed
	}
	if len(s.out)+size > f.limit {
		return false
	}
	f.add(rec)
	if noted {
		s.window.noted.push(sentRecord{rec.Key, rec.Version})
		f.noted++
	}
	f.records++
	f.since = instant.Earliest(f.since, since)
	return true
}

// add encodes a record in the form of the agreed protocol version.
func (f *recordsFrame) add(rec *Record) {
	s, first := f.session, f.records == 0
	switch {
	case s.version >= version2 && first:
		s.out = f.batch.begin(s.out, s.window.next())
	case first:
		s.out = appendRecords(s.out, s.window.next())
	}
	if s.version >= version2 {
		s.out = f.batch.add(s.out, rec)
	} else {
		s.out = appendRecord(s.out, f.batch.start, rec)
	}
}

// finish adds the frame to the window of unacknowledged frames, if it has records.
func (f *recordsFrame) finish() {
	if f.records == 0 {
		return
	}
	s := f.session
	s.window.sent(f.now, flight{since: f.since, records: f.records, noted: f.noted})
	s.counters.FramesSent++
	s.counters.RecordsSent += uint64(f.records)
	s.stats.records.Sent += f.records
}
