package rbs

import (
	"cmp"
	"iter"

	"tandem/internal/instant"
)

// Store is the database that a service replicates. Records are last-writer-wins
// registers, so merging is commutative, associative and idempotent.
//
// A session never calls Merge or Acked while it ranges over Tombstones.
type Store interface {
	// Buckets is the number of parts the database is compared in, 1..maxBuckets.
	// It never changes.
	Buckets() int
	// Digest is the XOR of Hash over the live records of a bucket; tombstones
	// are left out, so that forgetting one does not look like a difference.
	Digest(bucket int) uint64
	// Refs appends the records of a bucket, live ones and tombstones, in any order.
	Refs(bucket int, refs []Ref) []Ref
	// Leaf sums up a leaf, and LeafRefs appends its records as Refs does. Leaves are
	// numbered over all buckets, of which there are then at most maxBuckets / Leaves.
	Leaf(leaf int) Leaf
	LeafRefs(leaf int, refs []Ref) []Ref
	// Len is the number of records, tombstones too.
	Len() int
	// NextGroup appends the records of the group that comes after that of a Ref, in an
	// order of the store's; none when there are no more. The zero Ref is before the first.
	NextGroup(after Ref, refs []Ref) []Ref
	// At returns the record that is at a Ref now, which may be another than once was.
	At(Ref) (Record, bool)
	// Tombstones yields the tombstones, in any order.
	Tombstones() iter.Seq[Record]
	// Record returns one record, live or tombstone.
	Record(Key) (Record, bool)
	// Merge takes a record of the peer, if it is newer than what is held. The
	// record's Sources are the caller's, to be used again.
	Merge(now instant.Time, rec *Record) Merged
	// Restamp moves the versions of all records forward by a difference of readings: this
	// device's clock was behind by as much that of a peer, whose reading it was told,
	// and the two have nothing in common yet.
	Restamp(now instant.Time, peer Version, by Stamp)
	// EndMerge ends a run of Merges: what follows from them may be drawn at once.
	EndMerge(now instant.Time)
	// Acked tells that the peer holds this version of the record, or a newer
	// one, or knows of no live record that a tombstone would have to hide. It is
	// told of tombstones and of changes marked Dirty.
	Acked(Key, Version)
}

// Merged is what became of a record of the peer.
type Merged uint8

// What may become of it.
const (
	Newer   Merged = iota // it has been taken
	Stale                 // what was held is as new, or newer
	Unknown               // no profile has its backup ID and sub-interface
	Unfit                 // its group or host is none that is kept
	Full                  // there is no room for another record
)

// Leaf is what a leaf holds: the XOR of Hash over its live records, how many these
// are, and how many it is with the tombstones.
type Leaf struct {
	Digest     uint64
	Live, Kept int
}

// Ref tells where in a store a record is, for as long as the record exists.
// Records of one group have the same Part and Group, which is not 0.
type Ref struct{ Part, Group, Record uint32 }

// byGroup compares by group.
func byGroup(a, b Ref) int { return cmp.Or(cmp.Compare(a.Part, b.Part), cmp.Compare(a.Group, b.Group)) }

// totalDigest is the digest of the whole database.
func totalDigest(store Store) (d uint64) {
	for b := range store.Buckets() {
		d ^= store.Digest(b)
	}
	return d
}
