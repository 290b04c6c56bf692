package device

import (
	"slices"
	"time"

	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// leafCount is into how many parts the databases are compared at the finest.
const leafCount = buckets * rbs.Leaves

// leafIndex sorts the records of a service into leaves, tombstones too. It costs
// 4 MB and 8 bytes a record, so it exists only while a synchronisation needs it;
// meanwhile the ledgers let it follow every change.
type leafIndex struct {
	sums    [leafCount]rbs.Leaf
	records [leafCount][]leafRecord
	// stale marks leaves from which a record has gone: its handle may lie
	// there still, and by now name another record.
	stale [leafCount]bool
	used  instant.Time
}

// leafRecord is a record of the interface with this number.
type leafRecord struct {
	part   uint32
	record mld.Handle
}

// indexLife is how long an index outlives the last question to it.
const indexLife = 10 * time.Second

// count takes a live record in, or out.
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

// list returns the records of a leaf. here tells whether one is in it.
func (x *leafIndex) list(leaf int, here func(leafRecord) bool) []leafRecord {
	if x.stale[leaf] {
		x.stale[leaf] = false
		x.records[leaf] = cleared(x.records[leaf], here)
	}
	return x.records[leaf]
}

// cleared takes out what is not here, and repetitions.
func cleared(list []leafRecord, here func(leafRecord) bool) []leafRecord {
	seen := make(map[leafRecord]bool, len(list))
	return slices.DeleteFunc(list, func(r leafRecord) bool {
		again := seen[r]
		seen[r] = true
		return again || !here(r)
	})
}
