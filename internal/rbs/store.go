package rbs

import (
	"iter"
	"time"
)

// Store is the database that a service replicates. Records are last-writer-wins
// registers, so merging is commutative, associative and idempotent.
//
// A session never calls Merge or Acked while it ranges over Records.
type Store interface {
	// Buckets is the number of parts the database is compared in, 1..MaxBuckets.
	// It never changes.
	Buckets() int
	// Digest is the XOR of Hash over the live records of a bucket; tombstones
	// are left out, so that forgetting one does not look like a difference.
	Digest(bucket int) uint64
	// Records yields the records of a bucket, live ones and tombstones, in any order.
	Records(bucket int) iter.Seq[Record]
	// Record returns one record, live or tombstone.
	Record(Key) (Record, bool)
	// Merge takes a record of the peer and reports whether it was newer than
	// what was held. The record and its Sources are the store's to keep.
	Merge(now time.Duration, rec Record) bool
	// Acked tells that the peer holds this version of the record, or a newer
	// one, or knows of no live record that a tombstone would have to hide.
	Acked(Key, Version)
}
