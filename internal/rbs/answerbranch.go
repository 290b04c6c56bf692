package rbs

import (
	"slices"

	"tandem/internal/instant"
)

// takeBranchRequest handles a BRANCH-REQUEST: it records which branches to send.
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

// putBranches appends as many of the requested branches as fit.
func (s *session) putBranches(now instant.Time, limit int) {
	told := 0
	for _, bucket := range s.tellLeaf {
		if limit-len(s.out) < headerSize+branchSize {
			break
		}
		var values [Leaves]uint32
		for i := range values {
			values[i] = leafValue(s.store.Leaf(now, int(bucket)*Leaves+i), s.leafSalt)
		}
		s.out = appendBranch(s.out, bucket, &values)
		s.counters.FramesSent++
		told++
	}
	s.tellLeaf = slices.Delete(s.tellLeaf, 0, told)
}

// takeLeafRequest handles a LEAF-REQUEST: it queues the answers.
func (s *session) takeLeafRequest(now instant.Time, body []byte) error {
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
		s.refs = s.store.LeafRefs(now, leaf, s.refs[:0])
		for _, ref := range s.refs {
			s.answer(now, ref, len(r.Held) > 0, func(rec *Record) bool {
				return slices.Contains(r.Held, fold(Hash(rec.Key, rec.Version), salt))
			})
		}
	}
	return s.countQuestions(len(requests))
}
