package rbs

import (
	"slices"
	"time"
)

// compare is the comparison of the two databases, both halves of it: telling
// our digests, and asking for the buckets in which the peer's differ.
type compare struct {
	tell      int  // next bucket whose digest is to be told
	telling   bool // digests are still to be told
	expect    int  // next bucket whose digest the peer will tell
	ask       []uint32
	askBare   bool // ask without saying what we hold, so that everything comes
	askLast   bool // once ask is empty, say that it was all
	requested []bool
}

// bulk is what the peer has asked for and has not been sent.
type bulk struct {
	wanted []wantedBucket
	keys   []Key // what is left of the bucket in progress
}

// wantedBucket is one request of the peer, or the END-OF-SYNC after the last.
type wantedBucket struct {
	bucket uint32
	held   []uint64 // hashes that the peer need not be sent
	end    bool
}

func (b *bulk) busy() bool     { return len(b.wanted)+len(b.keys) > 0 }
func (b *bulk) remaining() int { return len(b.keys) }

// syncProgress tells how far a synchronisation has come.
type syncProgress struct {
	began             time.Duration
	ended, took       time.Duration
	inbound, outbound bool // ended in this direction
	once              bool // ended in both, now or earlier
	again             bool // another one has been asked for meanwhile
	records           struct{ Sent, Received int }
	last              struct{ Sent, Received int }
}

// endOfSync notes that one direction has ended; the second completes the synchronisation.
func (s *Session) endOfSync(now time.Duration, direction *bool) {
	running := !s.stats.inbound || !s.stats.outbound
	*direction = true
	if running && s.stats.inbound && s.stats.outbound {
		s.stats.once, s.stats.ended, s.stats.took = true, now, now-s.stats.began
		s.stats.last = s.stats.records
		s.counters.Syncs++
		if s.stats.again {
			s.Resync(now)
		}
	}
}

// startComparison has the databases compared. When the two ends cut theirs
// into different numbers of buckets, digests say nothing and everything is asked for.
func (s *Session) startComparison() {
	if s.peer.Buckets == uint32(s.store.Buckets()) {
		s.tell, s.telling = 0, true
		return
	}
	s.askEverything()
}

func (s *Session) askEverything() {
	s.ask = s.ask[:0]
	for b := range s.peer.Buckets {
		s.ask = append(s.ask, b)
	}
	s.askBare, s.askLast = true, true
}

// Resync sends everything again in both directions, whatever the digests say.
// While a synchronisation is running it waits for that to end: the running one
// may have passed the buckets that the caller has put records into.
func (s *Session) Resync(now time.Duration) {
	if !s.stats.inbound || !s.stats.outbound || s.bulk.busy() || len(s.ask) > 0 {
		s.stats.again = s.established
		return
	}
	s.stats.again = false
	s.stats.began, s.stats.inbound, s.stats.outbound = now, false, false
	s.stats.records = struct{ Sent, Received int }{}
	s.askEverything()
	for b := range s.store.Buckets() {
		s.wanted = append(s.wanted, wantedBucket{bucket: uint32(b)})
	}
	s.wanted = append(s.wanted, wantedBucket{end: true})
}

// takeDigests compares the peer's digests with ours and notes what to ask for.
func (s *Session) takeDigests(body []byte) error {
	d, err := ParseDigests(body)
	if err != nil {
		return err
	}
	buckets := s.store.Buckets()
	if int(d.First) != s.expect || s.expect+d.Len() > buckets || s.peer.Buckets != uint32(buckets) {
		return violation("DIGESTS of %d buckets from %d, want them from %d of %d", d.Len(), d.First, s.expect, buckets)
	}
	for i := range d.Len() {
		if b := int(d.First) + i; d.At(i) != s.store.Digest(b) {
			s.ask = append(s.ask, uint32(b))
		}
	}
	s.expect += d.Len()
	if s.expect == buckets {
		s.expect, s.askLast = 0, true
	}
	return nil
}

// takeBucketRequest queues what the peer asks for.
func (s *Session) takeBucketRequest(body []byte) error {
	req, err := ParseBucketRequest(body)
	if err != nil {
		return err
	}
	buckets := s.store.Buckets()
	if s.requested == nil {
		s.requested = make([]bool, buckets)
	}
	for {
		bucket, held, ok := req.Next(nil)
		if !ok {
			break
		}
		if int(bucket) >= buckets {
			return violation("BUCKET-REQUEST for bucket %d of %d", bucket, buckets)
		}
		s.requested[bucket] = true
		slices.Sort(held)
		s.wanted = append(s.wanted, wantedBucket{bucket: bucket, held: held})
	}
	// A synchronisation, a Resync of either end and an audit may overlap; more is abuse.
	if len(s.wanted) > 4*buckets+4 {
		return violation("%d BUCKET-REQUESTs unanswered", len(s.wanted))
	}
	if req.Last {
		s.wanted = append(s.wanted, wantedBucket{end: true})
		s.ackTombstones()
		clear(s.requested)
	}
	return nil
}

// ackTombstones notes that the peer has no use for the tombstones of the
// buckets it found equal: equal digests mean that it holds no live record which
// they would have to hide. One that came after the digests were told is not
// among these, for it is queued or under way, or has been acknowledged.
func (s *Session) ackTombstones() {
	underWay := make(map[Key]bool, s.window.records.len())
	for _, r := range s.window.records.all() {
		underWay[r.key] = true
	}
	var useless []sentRecord
	for b, requested := range s.requested {
		if requested {
			continue
		}
		for rec := range s.store.Records(b) {
			if rec.Deleted && !underWay[rec.Key] && !s.dirty.has(rec.Key) {
				useless = append(useless, sentRecord{rec.Key, rec.Version})
			}
		}
	}
	for _, r := range useless {
		s.store.Acked(r.key, r.version)
	}
}

// openBucket makes the next bucket that the peer wants the one in progress.
// What the peer holds already is acknowledged by its request.
func (s *Session) openBucket() {
	want := s.wanted[0]
	s.wanted = s.wanted[1:]
	s.keys = s.keys[:0]
	var held []sentRecord
	for rec := range s.store.Records(int(want.bucket)) {
		if _, found := slices.BinarySearch(want.held, Hash(rec.Key, rec.Version)); found {
			held = append(held, sentRecord{rec.Key, rec.Version})
		} else {
			s.keys = append(s.keys, rec.Key)
		}
	}
	for _, r := range held {
		s.store.Acked(r.key, r.version)
	}
}

// audit looks for databases that differ although nothing is under way.
type audit struct {
	quiet     bool // no record has come since the last keepalive
	differing bool
	since     time.Duration
	patience  time.Duration
	diverged  bool // found since the caller last looked
}

// Bounds of how long a difference must last before the databases are compared
// again. The wait doubles while comparing does not help, as when the peer
// refuses records for a limit of its own.
const (
	auditPatienceMin = 5 * time.Second
	auditPatienceMax = 320 * time.Second
)

// auditDigest compares the digests of the databases when a keepalive tells the peer's.
func (s *Session) auditDigest(now time.Duration) {
	idle := s.audit.quiet && s.InSync() && s.dirty.len() == 0 && s.window.frames.len() == 0 && !s.bulk.busy()
	s.audit.quiet = true
	if !idle {
		s.audit.differing = false
		return
	}
	if s.peerDigest == totalDigest(s.store) {
		s.audit.differing, s.audit.patience = false, 0
		return
	}
	if !s.audit.differing {
		s.audit.differing, s.audit.since = true, now
		s.audit.patience = max(s.audit.patience, auditPatienceMin)
	}
	if now-s.audit.since < s.audit.patience {
		return
	}
	s.audit.differing, s.audit.diverged = false, true
	s.audit.patience = min(2*s.audit.patience, auditPatienceMax)
	s.counters.Divergences++
	s.startComparison()
}
