package rbs

import (
	"cmp"
	"iter"

	"tandem/internal/instant"
)

// Store is the database that a service replicates. Records are last-writer-wins
// registers, so merging is commutative, associative and idempotent.
//
// A session never calls Merge or Acked while it ranges over Tombstones. The Left of a
// record counts from the instant passed as now.
type Store interface {
	// Buckets returns the number of buckets of the database, 1..maxBuckets. It never changes.
	Buckets() int
	// Digest returns the XOR of Hash over the live records of a bucket. It leaves out
	// tombstones, because one end may have removed a tombstone that the other still has.
	Digest(bucket int) uint64
	// Refs appends the Refs of all records of a bucket, tombstones included, in any order.
	Refs(now instant.Time, bucket int, refs []Ref) []Ref
	// Leaf describes a leaf. LeafRefs appends the Refs of its records, as Refs does. Leaves are
	// numbered over all buckets. A database with leaves has at most maxBuckets / Leaves buckets.
	Leaf(now instant.Time, leaf int) Leaf
	LeafRefs(now instant.Time, leaf int, refs []Ref) []Ref
	// Len returns the number of records, tombstones included.
	Len() int
	// NextGroup appends the Refs of the group that follows the group of after, none if
	// that was the last group. The store chooses the order of groups. The zero Ref is
	// before the first group.
	NextGroup(after Ref, refs []Ref) []Ref
	// At returns the record that has this Ref now. Another record may have got the Ref
	// since.
	At(now instant.Time, ref Ref) (Record, bool)
	// Tombstones yields the tombstones, in any order.
	Tombstones(now instant.Time) iter.Seq[Record]
	// Record returns one record, live or tombstone.
	Record(now instant.Time, key Key) (Record, bool)
	// Merge merges a record of the peer: the record replaces the known one if its version
	// is higher. The caller reuses the memory of the record's Sources later.
	Merge(now instant.Time, rec *Record) Merged
	// Restamp moves the versions of all records forward by a difference of readings. The
	// session calls it when a peer that this device has not met before turns out to have
	// a clock that is ahead by as much. peer is that peer's reading, with its device ID.
	Restamp(now instant.Time, peer Version, by Stamp)
	// EndMerge ends a series of Merges. The store may put off their consequences until
	// then and handle them together.
	EndMerge(now instant.Time)
	// Acked says that the peer has this version of the record or a higher one; or, for a
	// tombstone, that the peer has no live record that the tombstone would end. It is called
	// for tombstones, and for records that were marked Dirty.
	Acked(now instant.Time, key Key, v Version)
}

// Merged says what Merge did with a record of the peer.
type Merged uint8

// The results of Merge.
const (
	Newer   Merged = iota // the record is newer, and has replaced the known one
	Stale                 // the known record is as new, or newer
	Unknown               // no profile has the record's backup ID and sub-interface
	Unfit                 // the record's group or host is not valid
	Full                  // there is no room for another record
)

// Leaf describes a leaf: the XOR of Hash over its live records, their number, and the number
// of all its records, tombstones included.
type Leaf struct {
	Digest     uint64
	Live, Kept int
}

// Ref identifies a record of a store as long as the record exists. Records of one group have
// the same Part and the same Group, which is not 0.
type Ref struct{ Part, Group, Record uint32 }

// byGroup orders Refs by group.
func byGroup(a, b Ref) int { return cmp.Or(cmp.Compare(a.Part, b.Part), cmp.Compare(a.Group, b.Group)) }

// totalDigest returns the digest of the whole database.
func totalDigest(store Store) (d uint64) {
	for b := range store.Buckets() {
		d ^= store.Digest(b)
	}
	return d
}
