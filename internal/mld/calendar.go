package mld

import (
	"time"

	"tandem/internal/instant"
	"tandem/internal/table"
)

// calendar orders records by the time at which they have to be checked. All records of
// one tick are in one bucket. A bucket is a linked list whose links are fields of the
// records, so the calendar costs 8 bytes a record. A refresh changes only the expiry of a
// record. The record stays in its bucket, and is added again when that bucket is due. The
// invariant is that the bucket of a record is due no later than one tick after the record
// expires.
type calendar struct {
	records *table.Pool[record]
	buckets []bucket
	free    []uint32
	byTick  map[int64]uint32      // the bucket of each tick that has one
	due     instant.Queue[uint32] // the existing buckets, by the time at which they are due
}

type bucket struct {
	tick  int64
	first uint32
}

const (
	tickLength = 10 * time.Millisecond
	// Buckets far in the future are one second long.
	coarseTicks = int64(time.Second / tickLength)
	// isBucket marks tprev of the first record in a bucket: it is the number of the bucket.
	isBucket = 1 << 31
)

func newCalendar(records *table.Pool[record]) calendar {
	return calendar{records: records, byTick: make(map[int64]uint32)}
}

// add adds a record that is not in the calendar yet. The record's bucket will be due
// after now, and at most one tick after the instant at.
func (c *calendar) add(id uint32, at, now instant.Time) {
	current := int64(now.SinceOrigin() / tickLength)
	tick := int64((at.SinceOrigin() + tickLength - 1) / tickLength)
	if tick-current > 2*coarseTicks {
		tick -= tick % coarseTicks
	}
	b := c.bucket(max(tick, current+1))
	rec, first := c.records.At(id), c.buckets[b].first
	rec.tprev, rec.tnext = isBucket|b, first
	if first != 0 {
		c.records.At(first).tprev = id
	}
	c.buckets[b].first = id
}

// remove removes a record from the calendar.
func (c *calendar) remove(id uint32) {
	rec := c.records.At(id)
	if rec.tprev&isBucket != 0 {
		c.buckets[rec.tprev&^isBucket].first = rec.tnext
	} else {
		c.records.At(rec.tprev).tnext = rec.tnext
	}
	if rec.tnext != 0 {
		c.records.At(rec.tnext).tprev = rec.tprev
	}
	rec.tprev, rec.tnext = 0, 0
}

// pop removes one record of a bucket that is due, and returns its id; 0 if there is none.
func (c *calendar) pop(now instant.Time) uint32 {
	for {
		b, ok := c.due.Due(now)
		if !ok {
			return 0
		}
		if id := c.buckets[b].first; id != 0 {
			c.remove(id)
			return id
		}
		c.due.Pop(now)
		delete(c.byTick, c.buckets[b].tick)
		c.free = append(c.free, b)
	}
}

func (c *calendar) bucket(tick int64) uint32 {
	if b, ok := c.byTick[tick]; ok {
		return b
	}
	var b uint32
	if n := len(c.free); n > 0 {
		b, c.free = c.free[n-1], c.free[:n-1]
	} else {
		b = uint32(len(c.buckets))
		c.buckets = append(c.buckets, bucket{})
	}
	c.buckets[b] = bucket{tick: tick}
	c.byTick[tick] = b
	c.due.Push(instant.FromOrigin(time.Duration(tick)*tickLength), b)
	return b
}
