package device

import (
	"slices"
	"time"

	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// leafCount is the number of leaves of a database, its smallest parts in a comparison.
const leafCount = buckets * rbs.Leaves

// leafIndex sorts the records of a service, tombstones included, into leaves. It costs 4
// MB and 8 bytes a record, so it exists only while a synchronisation needs it. As long as
// it exists, the ledgers update it with every change.
type leafIndex struct {
	sums    [leafCount]rbs.Leaf
	records [leafCount][]leafRecord
	// stale marks leaves from which a record was removed: the record's handle may still
	// be in the leaf's list, and may now belong to another record.
	stale [leafCount]bool
	used  instant.Time
}

// leafRecord is a record, with the number of its interface.
type leafRecord struct {
	part   uint32
	record mld.Handle
}

// indexLife is how long the index is kept after its last use.
const indexLife = 10 * time.Second

// count adds a live record to a leaf's digest (by +1), or removes it (by -1).
func (x *leafIndex) count(leaf int, hash uint64, by int) {
	sum := &x.sums[leaf]
	sum.Digest ^= hash
	sum.Live += by
}

func (x *leafIndex) created(leaf int, part uint32, h mld.Handle) {
	x.sums[leaf].Kept++
	x.records[leaf] = append(x.records[leaf], leafRecord{part, h})
}

func (x *leafIndex) gone(leaf int) {
	x.sums[leaf].Kept--
	x.stale[leaf] = true
}

// list returns the records of a leaf. here reports whether a record is in this leaf.
func (x *leafIndex) list(leaf int, here func(leafRecord) bool) []leafRecord {
	if x.stale[leaf] {
		x.stale[leaf] = false
		x.records[leaf] = cleared(x.records[leaf], here)
	}
	return x.records[leaf]
}

// cleared removes from a list the records for which here is false, and repetitions.
func cleared(list []leafRecord, here func(leafRecord) bool) []leafRecord {
	seen := make(map[leafRecord]bool, len(list))
	return slices.DeleteFunc(list, func(r leafRecord) bool {
		again := seen[r]
		seen[r] = true
		return again || !here(r)
	})
}
