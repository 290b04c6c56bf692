package rbs

import "slices"

// answers is what the peer has asked for and has not been sent.
type answers struct {
	asked     []Ref    // so far, by a comparison that goes on
	askedAll  bool     // it has asked for everything
	requested []bool   // leaves it has asked about, or buckets where there are no leaves
	questions int      // it has asked
	tellLeaf  []uint32 // buckets whose branches it wants
	leafSalt  uint64
	queue     []answer
	refs      []Ref // scratch
}

// answer is what the peer is sent for one comparison; END-OF-SYNC follows it. That
// of a whole database is made group by group as it goes: the peer need not wait for
// a list of a million, nor whatever else the device has to do.
type answer struct {
	refs  []Ref
	whole bool
	group []Ref // that refs is the rest of, if whole
	left  int   // records to go, about, if whole
}

// refill takes the next group of a whole database.
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

// parts is into how many parts the database is cut where tombstones are concerned.
func (s *session) parts() int {
	n := s.store.Buckets()
	if branchable(n) {
		n *= Leaves
	}
	return n
}

// overlapping is how many comparisons may be under way at once: a synchronisation, a
// Resync of either end and an audit. More is abuse, by which a peer that asks and does not
// read would fill our memory.
const overlapping = 4

// noteAsked notes that the peer has asked about all of a bucket, or a leaf, and reports
// whether it had done so in this comparison: then it is answered already.
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

// countQuestions bounds what a peer can ask for.
func (s *session) countQuestions(n int) error {
	s.questions += n
	if most := overlapping * (s.parts() + 1); s.questions > most {
		return violation("%d buckets and leaves asked for, at most %d expected", s.questions, most)
	}
	return nil
}

// takeBucketRequest notes what the peer asks for.
func (s *session) takeBucketRequest(body []byte) error {
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
		s.answerBuckets(req)
	}
	if req.Last {
		return s.endQuestions()
	}
	return nil
}

func (s *session) answerBuckets(req bucketRequest) {
	for {
		bucket, held, ok := req.Next(nil)
		if !ok {
			return
		}
		if s.noteAsked(int(bucket), s.store.Buckets()) {
			continue
		}
		slices.Sort(held)
		s.refs = s.store.Refs(int(bucket), s.refs[:0])
		for _, ref := range s.refs {
			s.answer(ref, len(held) > 0, func(rec *Record) bool {
				_, found := slices.BinarySearch(held, Hash(rec.Key, rec.Version))
				return found
			})
		}
	}
}

// answer has a record sent unless the peer holds it. That acknowledges it.
func (s *session) answer(ref Ref, some bool, held func(*Record) bool) {
	rec, ok := s.store.At(ref)
	switch {
	case !ok:
		return
	case some && held(&rec):
		s.store.Acked(rec.Key, rec.Version)
		return
	}
	s.noteLacking(&rec)
	s.asked = append(s.asked, ref)
}

// endQuestions queues the answer, group by group.
func (s *session) endQuestions() error {
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
	s.ackTombstones()
	s.endLacking(s.heard)
	clear(s.requested)
	return nil
}

// ackTombstones notes that the peer has no use for the tombstones of the parts
// it found equal: equal digests mean that it holds no live record which they
// would have to hide. One that came after the digests were told is not among
// these, for it is queued or under way, or has been acknowledged.
func (s *session) ackTombstones() {
	underWay := make(map[Key]bool, s.window.noted.len())
	for _, r := range s.window.noted.all() {
		underWay[r.key] = true
	}
	var useless []sentRecord
	for rec := range s.store.Tombstones() {
		asked := s.requested != nil && s.requested[BucketOf(rec.Key, s.parts())]
		if !asked && !underWay[rec.Key] && !s.dirty.has(rec.Key) {
			useless = append(useless, sentRecord{rec.Key, rec.Version})
		}
	}
	for _, r := range useless {
		s.store.Acked(r.key, r.version)
	}
}

// takeBranchRequest notes which branches the peer wants.
func (s *session) takeBranchRequest(body []byte) error {
	salt, buckets, err := parseBranchRequest(body)
	if err != nil {
		return err
	}
	if !branchable(s.store.Buckets()) {
		return violation("BRANCH-REQUEST for a database without branches")
	}
	for _, b := range buckets {
		if int(b) >= s.store.Buckets() {
			return violation("BRANCH-REQUEST for bucket %d of %d", b, s.store.Buckets())
		}
	}
	s.leafSalt, s.tellLeaf = salt, append(s.tellLeaf, buckets...)
	if len(s.tellLeaf) > overlapping*s.store.Buckets() {
		return violation("%d branches asked for that have not been told yet", len(s.tellLeaf))
	}
	return s.countQuestions(len(buckets))
}

// putBranches tells the branches that fit.
func (s *session) putBranches(limit int) {
	told := 0
	for _, bucket := range s.tellLeaf {
		if limit-len(s.out) < headerSize+branchSize {
			break
		}
		var values [Leaves]uint32
		for i := range values {
			values[i] = leafValue(s.store.Leaf(int(bucket)*Leaves+i), s.leafSalt)
		}
		s.out = appendBranch(s.out, bucket, &values)
		s.counters.FramesSent++
		told++
	}
	s.tellLeaf = slices.Delete(s.tellLeaf, 0, told)
}

// takeLeafRequest notes what the peer asks for.
func (s *session) takeLeafRequest(body []byte) error {
	salt, requests, err := parseLeafRequest(body)
	if err != nil {
		return err
	}
	buckets := s.store.Buckets()
	if !branchable(buckets) {
		return violation("LEAF-REQUEST for a database without leaves")
	}
	for _, r := range requests {
		leaf := int(r.Leaf)
		if leaf >= s.parts() {
			return violation("LEAF-REQUEST for leaf %d of %d", leaf, s.parts())
		}
		if s.noteAsked(leaf, s.parts()) {
			continue
		}
		s.refs = s.store.LeafRefs(leaf, s.refs[:0])
		for _, ref := range s.refs {
			s.answer(ref, len(r.Held) > 0, func(rec *Record) bool {
				return slices.Contains(r.Held, fold(Hash(rec.Key, rec.Version), salt))
			})
		}
	}
	return s.countQuestions(len(requests))
}
