package device

import (
	"slices"

	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// leaves returns the index. It makes the index if there is none.
func (s *service) leaves(now instant.Time) *leafIndex {
	if s.index == nil {
		s.index = newLeafIndex(now, s.interfaces)
		for _, ifc := range s.interfaces {
			ifc.ledger.index = s.index
		}
	}
	s.index.used = now
	return s.index
}

// shed removes the index when it has not been used for indexLife.
func (s *service) shed(now instant.Time) {
	if s.index != nil && now >= s.index.used.Add(indexLife) {
		s.dropIndex()
	}
}

// dropIndex removes the index, so that it is made again when it is needed.
func (s *service) dropIndex() {
	for _, ifc := range s.interfaces {
		ifc.ledger.index = nil
	}
	s.index = nil
}

// newLeafIndex makes the index. It goes through the records twice, in the order of
// memory: first to count those of each leaf, then to enter them.
func newLeafIndex(now instant.Time, interfaces []*downstream) *leafIndex {
	x := &leafIndex{}
	var of []uint16 // the leaf of each record
	for _, ifc := range interfaces {
		of = slices.Grow(of, ifc.ledger.kept)
		for rec := range ifc.router.Records(now) {
			h := rbs.HashOf(ifc.ledger.key(rec.Key))
			leaf := h.Bucket(leafCount)
			of = append(of, uint16(leaf))
			x.sums[leaf].Kept++
			if !rec.Deleted {
				x.count(leaf, h.Version(replicaVersion(rec.Version)), +1)
			}
		}
	}
	room := make([]leafRecord, len(of))
	for leaf := range x.records {
		n := x.sums[leaf].Kept
		x.records[leaf], room = room[:0:n], room[n:]
	}
	for _, ifc := range interfaces {
		for h := range ifc.router.Handles() {
			x.records[of[0]] = append(x.records[of[0]], leafRecord{ifc.number, h})
			of = of[1:]
		}
	}
	return x
}

// Leaf implements [rbs.Store].
func (s *service) Leaf(now instant.Time, leaf int) rbs.Leaf {
	if s.empty() {
		return rbs.Leaf{}
	}
	return s.leaves(now).sums[leaf]
}

// LeafRefs implements [rbs.Store]. A part is an interface.
func (s *service) LeafRefs(now instant.Time, leaf int, refs []rbs.Ref) []rbs.Ref {
	if s.empty() {
		return refs
	}
	for _, r := range s.leaves(now).list(leaf, func(r leafRecord) bool { return s.inLeaf(now, r, leaf) }) {
		if ifc := s.part(r.part); ifc != nil {
			refs = append(refs, rbs.Ref{Part: r.part, Group: ifc.router.GroupOf(r.record), Record: uint32(r.record)})
		}
	}
	return refs
}

// Refs implements [rbs.Store].
func (s *service) Refs(now instant.Time, bucket int, refs []rbs.Ref) []rbs.Ref {
	for i := range rbs.Leaves {
		refs = s.LeafRefs(now, bucket*rbs.Leaves+i, refs)
	}
	return refs
}

// empty reports whether the service has no record, so that an index is not worth making:
// a device that has just booted would have to enter every record that it receives.
func (s *service) empty() bool {
	return s.index == nil && !slices.ContainsFunc(s.interfaces, func(ifc *downstream) bool { return ifc.ledger.kept > 0 })
}

// inLeaf reports whether a handle names a record of the leaf.
func (s *service) inLeaf(now instant.Time, r leafRecord, leaf int) bool {
	ifc := s.part(r.part)
	if ifc == nil {
		return false
	}
	rec, ok := ifc.router.At(now, r.record)
	return ok && rbs.BucketOf(ifc.ledger.key(rec.Key), leafCount) == leaf
}

// part returns the interface with a number, nil if the service does not replicate it any
// more.
func (s *service) part(number uint32) *downstream {
	i := slices.IndexFunc(s.interfaces, func(ifc *downstream) bool { return ifc.number == number })
	if i < 0 {
		return nil
	}
	return s.interfaces[i]
}
