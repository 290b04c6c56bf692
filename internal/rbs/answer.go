package rbs

import (
	"slices"

	"tandem/internal/instant"
)

// answers holds what the peer has asked for in comparisons and what has not been sent
// yet.
type answers struct {
	asked     []Ref    // the records that the peer has asked for so far in the current comparison
	askedAll  bool     // the peer has asked for everything
	requested []bool   // by leaf, or by bucket if there are no leaves: the peer has asked about this one
	questions int      // number of questions in the current comparison
	tellLeaf  []uint32 // buckets whose branches the peer wants
	leafSalt  uint64
	queue     []answer
	refs      []Ref // scratch
}

// answer is the list of records to send for one comparison. END-OF-SYNC follows it. The
// answer of a whole database is made group by group while it is sent, because making a list
// of a million records would delay everything else.
type answer struct {
	refs  []Ref
	whole bool
	group []Ref // if whole: the group of which refs is the rest
	left  int   // if whole: about how many records are still to be sent
}

// refill puts the next group of a whole database into refs.
func (a *answer) refill(store Store) {
	if len(a.refs) > 0 || !a.whole {
		return
	}
	var after Ref
	if len(a.group) > 0 {
		after = a.group[0]
	}
	a.left -= len(a.group)
	a.group = store.NextGroup(after, a.group[:0])
	a.refs, a.whole = a.group, len(a.group) > 0
}

func (s *session) wholeAnswer() answer { return answer{whole: true, left: s.store.Len()} }

func (a *answers) busy() bool { return len(a.queue) > 0 }

func (a *answers) remaining() (n int) {
	for _, q := range a.queue {
		n += max(len(q.refs), q.left)
	}
	return n
}

// parts returns the number of parts by which tombstones are acknowledged. Parts are the
// leaves, or the buckets if there are no leaves.
func (s *session) parts() int {
	n := s.store.Buckets()
	if branchable(n) {
		n *= Leaves
	}
	return n
}

// overlapping bounds the comparisons that may run at once: a synchronisation, a Resync of
// each end, and an audit. Without it, a peer that asks for more without reading the
// answers would fill this device's memory.
const overlapping = 4

// noteAsked records that the peer has asked about a bucket or a leaf. again says that the
// peer has asked about it before in this comparison; then the answer is queued already.
func (s *session) noteAsked(part, parts int) (again bool) {
	if s.requested == nil {
		s.requested = make([]bool, s.parts())
	}
	each := len(s.requested) / parts
	again = true
	for i := range each {
		again = again && s.requested[part*each+i]
		s.requested[part*each+i] = true
	}
	return again
}

// countQuestions adds n to the number of questions in this comparison, and returns an
// error if there are too many.
func (s *session) countQuestions(n int) error {
	s.questions += n
	if most := overlapping * (s.parts() + 1); s.questions > most {
		return violation("%d buckets and leaves asked for, at most %d expected", s.questions, most)
	}
	return nil
}

// takeBucketRequest handles a BUCKET-REQUEST: it queues the answers.
func (s *session) takeBucketRequest(now instant.Time, body []byte) error {
	req, err := parseBucketRequest(body)
	if err != nil {
		return err
	}
	buckets := s.store.Buckets()
	entries, bare := 0, true
	for each := req; ; entries++ {
		bucket, held, ok := each.Next(nil)
		if !ok {
			break
		}
		if int(bucket) >= buckets {
			return violation("BUCKET-REQUEST for bucket %d of %d", bucket, buckets)
		}
		bare = bare && len(held) == 0
	}
	if err := s.countQuestions(entries); err != nil {
		return err
	}
	if bare && entries == buckets {
		s.askedAll, s.stats.records.full = true, true
		for b := range buckets {
			s.noteAsked(b, buckets)
		}
	} else {
		s.answerBuckets(now, req)
	}
	if req.Last {
		return s.endQuestions(now)
	}
	return nil
}

func (s *session) answerBuckets(now instant.Time, req bucketRequest) {
	for {
		bucket, held, ok := req.Next(nil)
		if !ok {
			return
		}
		if s.noteAsked(int(bucket), s.store.Buckets()) {
			continue
		}
		slices.Sort(held)
		s.refs = s.store.Refs(now, int(bucket), s.refs[:0])
		for _, ref := range s.refs {
			s.answer(now, ref, len(held) > 0, func(rec *Record) bool {
				_, found := slices.BinarySearch(held, Hash(rec.Key, rec.Version))
				return found
			})
		}
	}
}

// answer queues a record for sending unless the peer has this version of it. If the peer
// has it, the record counts as acknowledged.
func (s *session) answer(now instant.Time, ref Ref, some bool, held func(*Record) bool) {
	rec, ok := s.store.At(now, ref)
	switch {
	case !ok:
		return
	case some && held(&rec):
		s.store.Acked(now, rec.Key, rec.Version)
		return
	}
	s.noteLacking(&rec)
	s.asked = append(s.asked, ref)
}

// endQuestions ends the questions of a comparison and queues the answer, sorted by group.
func (s *session) endQuestions(now instant.Time) error {
	if len(s.queue) >= overlapping {
		return violation("%d comparisons are unanswered, and another one has ended", len(s.queue))
	}
	if s.askedAll {
		s.queue = append(s.queue, s.wholeAnswer())
	} else {
		slices.SortFunc(s.asked, byGroup)
		s.queue = append(s.queue, answer{refs: s.asked})
	}
	s.asked, s.askedAll, s.questions = nil, false, 0
	s.ackTombstones(now)
	s.endLacking(s.heard)
	clear(s.requested)
	return nil
}

// ackTombstones acknowledges the tombstones in parts that the peer found equal. Equal
// digests mean that the peer has no live record that such a tombstone would end.
// Tombstones that are queued or sent but not acknowledged are left out, because they may
// be newer than the digests.
func (s *session) ackTombstones(now instant.Time) {
	underWay := make(map[Key]bool, s.window.noted.len())
	for _, r := range s.window.noted.all() {
		underWay[r.key] = true
	}
	var useless []sentRecord
	for rec := range s.store.Tombstones(now) {
		asked := s.requested != nil && s.requested[BucketOf(rec.Key, s.parts())]
		if !asked && !underWay[rec.Key] && !s.dirty.has(rec.Key) {
			useless = append(useless, sentRecord{rec.Key, rec.Version})
		}
	}
	for _, r := range useless {
		s.store.Acked(now, r.key, r.version)
	}
}
