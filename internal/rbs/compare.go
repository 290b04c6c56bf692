package rbs

import (
	"slices"

	"tandem/internal/instant"
)

// compare is the state of one end in a comparison: the digests that it sends, and the
// questions about buckets and leaves that differ.
type compare struct {
	tell     int  // next bucket whose digest this end sends
	telling  bool // this end still has digests to send
	tellNext bool // this end sends its digests after the peer's records have come
	expect   int  // next bucket whose digest this end expects from the peer
	ask      []bucketQuestion
	askLast  bool // this end still has to mark its last request as the last one
	branches int  // branches that this end has requested and not received
	salt     uint64
	askLeaf  []leafRequest
}

// bucketQuestion is a bucket whose records this end requests. bare says that the request
// lists no records of this end.
type bucketQuestion struct {
	bucket uint32
	bare   bool
}

func (c *compare) asking() bool { return len(c.ask)+len(c.askLeaf)+c.branches > 0 }

// startComparison starts a comparison. If the two ends have different numbers of buckets,
// digests cannot be compared, and each end requests all records.
func (s *session) startComparison() {
	switch {
	case s.peer.Buckets != uint32(s.store.Buckets()):
		s.askEverything()
	case s.version >= version2 && !s.stats.once && s.pullsFirst():
		// The peer's records come first, so that this end does not send them back.
		s.tellNext = true
	default:
		s.tellDigests()
	}
}

// pullsFirst reports whether this end receives the other's records before it sends its
// own. The end with fewer records does. So no end sends back records that it has just
// received, or an old version of a record of which the other end has a newer one.
func (s *session) pullsFirst() bool {
	if ours, peer := s.cfg.Untold, s.peer.Untold; ours != peer {
		return ours < peer
	}
	return s.cfg.Device > s.peer.Device
}

func (s *session) tellDigests() { s.tell, s.telling, s.tellNext = 0, true, false }

func (s *session) askEverything() {
	s.ask = s.ask[:0]
	for b := range s.peer.Buckets {
		s.ask = append(s.ask, bucketQuestion{b, true})
	}
	s.askLast, s.stats.records.full = true, true
}

// takeDigests compares the peer's digests with those of this end, and records which
// buckets to request.
func (s *session) takeDigests(body []byte) error {
	d, err := parseDigests(body)
	if err != nil {
		return err
	}
	buckets := s.store.Buckets()
	if int(d.First) != s.expect || s.expect+d.Len() > buckets || s.peer.Buckets != uint32(buckets) {
		return violation("DIGESTS of %d buckets from %d, want them from %d of %d", d.Len(), d.First, s.expect, buckets)
	}
	if len(s.ask) > overlapping*buckets {
		return violation("DIGESTS, and %d buckets that differed are still to be asked for", len(s.ask))
	}
	if !s.asking() {
		s.salt = mix(s.salt ^ s.cfg.Boot ^ uint64(s.clock.last))
	}
	for i := range d.Len() {
		if b := int(d.First) + i; d.At(i) != s.store.Digest(b) {
			// If the peer has no live record in the bucket, it can send only tombstones,
			// so the request need not list this end's records.
			s.ask = append(s.ask, bucketQuestion{uint32(b), d.At(i) == 0 && s.version >= version2})
		}
	}
	s.expect += d.Len()
	if s.expect == buckets {
		s.expect, s.askLast = 0, true
	}
	return nil
}

// maxHeld bounds the hashes in the request for a bucket. A bucket with more records is
// compared by its leaves, or this end requests all its records.
const maxHeld = (maxFrame - headerSize - requestFixed - requestEntrySize) / 8

// held returns the hashes of the records in a bucket, tombstones included. many says that
// the bucket has so many records that its leaves should be compared.
func (s *session) held(now instant.Time, q bucketQuestion) (hashes []uint64, many bool) {
	if q.bare {
		return nil, false
	}
	if s.version >= version2 && branchable(s.store.Buckets()) && s.crowded(now, int(q.bucket)) {
		return nil, true
	}
	s.refs = s.store.Refs(now, int(q.bucket), s.refs[:0])
	if len(s.refs) > maxHeld {
		return nil, false
	}
	for _, ref := range s.refs {
		if rec, ok := s.store.At(now, ref); ok {
			hashes = append(hashes, Hash(rec.Key, rec.Version))
		}
	}
	return hashes, false
}

// crowded reports whether a bucket has more records than leaves, so that comparing the
// leaves pays.
func (s *session) crowded(now instant.Time, bucket int) bool {
	records := 0
	for i := range Leaves {
		records += s.store.Leaf(now, bucket*Leaves+i).Kept
	}
	return records > Leaves
}

// putRequests appends one BUCKET-REQUEST with as many buckets as fit. For buckets with
// many records it requests the branches instead.
func (s *session) putRequests(now instant.Time, limit int) {
	room := min(limit-len(s.out), maxFrame) - headerSize - requestFixed
	if len(s.ask) == 0 && !s.askLast || room < 0 {
		return
	}
	start, asked, entries, bare := len(s.out), 0, 0, true
	var branches []uint32
	s.out = appendBucketRequest(s.out, false)
	for _, q := range s.ask {
		held, many := s.held(now, q)
		if many {
			branches = append(branches, q.bucket)
			asked++
			continue
		}
		if room -= requestEntrySize + 8*len(held); room < 0 {
			break
		}
		s.out = appendRequestEntry(s.out, start, q.bucket, held)
		asked++
		entries++
		bare = bare && len(held) == 0
	}
	s.ask = append(s.ask[:0], s.ask[asked:]...)
	s.branches += len(branches)
	if bare && entries == s.store.Buckets() {
		s.stats.records.full = true
	}
	last := !s.asking() && s.askLast
	switch {
	case last:
		s.out[start+headerSize] |= requestLast
		s.askLast = false
	case entries == 0:
		s.out = s.out[:start]
	}
	if last || entries > 0 {
		s.counters.FramesSent++
	}
	s.putBranchRequests(branches)
}

// putBranchRequests appends a BRANCH-REQUEST. The chunk always has room for it, because a
// database with branches has few buckets.
func (s *session) putBranchRequests(buckets []uint32) {
	if len(buckets) == 0 {
		return
	}
	s.out = appendBranchRequest(s.out, s.salt, buckets)
	s.counters.FramesSent++
}

// takeBranch compares the leaves of a bucket, and records which leaves to request.
func (s *session) takeBranch(now instant.Time, body []byte) error {
	bucket, values, err := parseBranch(body)
	if err != nil {
		return err
	}
	if s.branches == 0 || int(bucket) >= s.store.Buckets() {
		return violation("BRANCH of bucket %d was not asked for", bucket)
	}
	s.branches--
	for i, peer := range values {
		leaf := int(bucket)*Leaves + i
		if !sameLeaf(leafValue(s.store.Leaf(now, leaf), s.salt), peer) {
			s.askLeaf = append(s.askLeaf, s.leafRequest(now, leaf))
		}
	}
	return nil
}

// leafRequest returns the request for a leaf. It lists the records that this end has,
// unless there are too many.
func (s *session) leafRequest(now instant.Time, leaf int) leafRequest {
	r := leafRequest{Leaf: uint16(leaf)}
	s.refs = s.store.LeafRefs(now, leaf, s.refs[:0])
	if len(s.refs) > maxLeafHeld {
		return r
	}
	for _, ref := range s.refs {
		if rec, ok := s.store.At(now, ref); ok {
			r.Held = append(r.Held, fold(Hash(rec.Key, rec.Version), s.salt))
		}
	}
	return r
}

// putLeafRequests appends one LEAF-REQUEST with as many leaves as fit.
func (s *session) putLeafRequests(limit int) {
	room := min(limit-len(s.out), maxFrame) - headerSize - leafRequestFixed
	n := 0
	for n < len(s.askLeaf) && room >= s.askLeaf[n].size() {
		room -= s.askLeaf[n].size()
		n++
	}
	if n == 0 {
		return
	}
	s.out = appendLeafRequest(s.out, s.salt, s.askLeaf[:n])
	s.counters.FramesSent++
	s.askLeaf = slices.Delete(s.askLeaf, 0, n)
	if len(s.askLeaf) == 0 {
		s.askLeaf = nil
	}
}
