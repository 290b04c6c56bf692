package rbs

import "time"

// Output returns the next bytes to send, at most limit of them (but no less
// than MaxFrame is heeded), nil when there is nothing. They are valid until the
// next call. Frames are made here and not earlier, so whatever changes while
// the connection is busy costs its key in the queue only.
func (s *Session) Output(now time.Duration, limit int) []byte {
	s.out = s.out[:0]
	if s.err != nil {
		return nil
	}
	limit = max(limit, MaxFrame)
	if !s.greeted {
		s.putHello(now)
	}
	if s.established {
		s.putSmall()
		s.putStatus(limit)
		s.putDigests(limit)
		s.putRequests(limit)
		s.putRecords(now, limit)
	}
	if len(s.out) == 0 {
		return nil
	}
	return s.out
}

// Pending reports whether Output may have something to send.
func (s *Session) Pending() bool {
	if s.err != nil {
		return false
	}
	if !s.greeted || !s.established {
		return !s.greeted
	}
	return s.keepaliveDue || s.ackDue || s.status.pending() || s.telling || len(s.ask) > 0 || s.askLast ||
		s.windowOpen() && (s.dirty.len() > 0 || s.bulk.busy())
}

func (s *Session) windowOpen() bool { return s.window.records.len() < maxInFlight }

func (s *Session) putHello(now time.Duration) {
	s.greeted = true
	s.out = AppendHello(s.out, Hello{
		MinVersion: MinVersion, MaxVersion: MaxVersion, Features: FeatureStatus,
		Device: s.cfg.Device, Boot: s.cfg.Boot,
		Clock:   s.clock.Now(now),
		Buckets: uint32(s.store.Buckets()),
	})
	s.counters.FramesSent++
}

// putSmall appends the frames that must not wait behind records.
func (s *Session) putSmall() {
	if s.ackDue {
		s.ackDue = false
		s.out = AppendAck(s.out, s.received)
		s.counters.FramesSent++
	}
	if s.keepaliveDue {
		s.keepaliveDue = false
		s.out = AppendKeepalive(s.out, totalDigest(s.store))
		s.counters.FramesSent++
	}
}

func (s *Session) putDigests(limit int) {
	if !s.telling {
		return
	}
	room := min((limit-len(s.out)-HeaderSize-4)/8, maxDigests)
	n := min(s.store.Buckets()-s.tell, room)
	if n <= 0 {
		return
	}
	digests := make([]uint64, n)
	for i := range digests {
		digests[i] = s.store.Digest(s.tell + i)
	}
	s.out = AppendDigests(s.out, uint32(s.tell), digests)
	s.counters.FramesSent++
	s.tell += n
	s.telling = s.tell < s.store.Buckets()
}

// putRequests appends one BUCKET-REQUEST with as many buckets as fit.
func (s *Session) putRequests(limit int) {
	room := min(limit-len(s.out), MaxFrame) - HeaderSize - requestFixed
	if len(s.ask) == 0 && !s.askLast || room < 0 {
		return
	}
	start, asked := len(s.out), 0
	s.out = AppendBucketRequest(s.out, false)
	for _, bucket := range s.ask {
		held := s.held(bucket)
		if room -= requestEntrySize + 8*len(held); room < 0 {
			break
		}
		s.out = AppendRequestEntry(s.out, start, bucket, held)
		asked++
	}
	s.ask = append(s.ask[:0], s.ask[asked:]...)
	last := len(s.ask) == 0 && s.askLast
	if asked == 0 && !last {
		s.out = s.out[:start] // no room in this chunk
		return
	}
	if last {
		s.out[start+HeaderSize] |= requestLast
		s.askLast, s.askBare = false, false
	}
	s.counters.FramesSent++
}

// maxHeld is how many hashes a bucket's request carries; a bucket with more is
// asked for without, and comes whole.
const maxHeld = (MaxFrame - HeaderSize - requestFixed - requestEntrySize) / 8

// held returns the hashes of what a bucket holds here, tombstones included.
func (s *Session) held(bucket uint32) (hashes []uint64) {
	if s.askBare {
		return nil
	}
	for rec := range s.store.Records(int(bucket)) {
		if len(hashes) == maxHeld {
			return nil
		}
		hashes = append(hashes, Hash(rec.Key, rec.Version))
	}
	return hashes
}

// putRecords appends one RECORDS frame: live changes first, in half the room
// while a synchronisation also has something to send, which gets what is left.
func (s *Session) putRecords(now time.Duration, limit int) {
	f := recordsFrame{session: s, now: now, start: len(s.out), since: now}
	full := min(limit, len(s.out)+MaxFrame)
	f.limit = full
	if s.bulk.busy() {
		f.limit = len(s.out) + (full-len(s.out))/2
	}
	for s.dirty.len() > 0 {
		d := s.dirty.first()
		if !f.put(d.key, d.since) {
			break
		}
		s.dirty.pop()
	}
	f.limit = full
	ended := false
	for s.bulk.busy() && !ended {
		switch {
		case len(s.keys) > 0:
			if !f.put(s.keys[0], s.stats.began) {
				f.finish()
				return
			}
			s.keys = s.keys[1:]
		case s.wanted[0].end:
			ended = true
		default:
			s.openBucket()
		}
	}
	f.finish()
	if ended {
		s.putEndOfSync(now, limit)
	}
}

func (s *Session) putEndOfSync(now time.Duration, limit int) {
	const size = HeaderSize + 8
	if len(s.out)+size > limit {
		return
	}
	s.wanted = s.wanted[1:]
	s.out = AppendEndOfSync(s.out, s.window.next())
	s.window.sent(now, flight{since: now, end: true})
	s.counters.FramesSent++
}

// recordsFrame is a RECORDS frame in the making; it begins with its first record.
type recordsFrame struct {
	session      *Session
	now, since   time.Duration
	start, limit int
	records      int
}

// put appends the record of key as it is now, if it still exists. It returns
// false when there is no room, in the chunk or in the window.
func (f *recordsFrame) put(key Key, since time.Duration) bool {
	s := f.session
	if !s.windowOpen() {
		return false
	}
	rec, ok := s.store.Record(key)
	if !ok {
		return true
	}
	if len(rec.Sources) > MaxSources {
		s.counters.RecordsTooLarge++
		return true
	}
	header := 0
	if f.records == 0 {
		header = HeaderSize + recordsFixed
	}
	if len(s.out)+header+recordSize(&rec) > f.limit {
		return false
	}
	if f.records == 0 {
		s.out = AppendRecords(s.out, s.window.next())
	}
	s.out = AppendRecord(s.out, f.start, &rec)
	s.window.records.push(sentRecord{key, rec.Version})
	f.records++
	f.since = min(f.since, since)
	return true
}

// finish enters the frame in the window, if there is one.
func (f *recordsFrame) finish() {
	if f.records == 0 {
		return
	}
	s := f.session
	s.window.sent(f.now, flight{since: f.since, records: f.records})
	s.counters.FramesSent++
	s.counters.RecordsSent += uint64(f.records)
	s.stats.records.Sent += f.records
}
