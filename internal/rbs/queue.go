package rbs

import "time"

// dirtyQueue holds the keys of records that the peer has yet to be told of, in
// the order in which they first changed. A key is in it once, so its size is
// bounded by the database, however slow the peer is.
type dirtyQueue struct {
	queued map[Key]struct{}
	items  []dirtyItem
	head   int
}

type dirtyItem struct {
	key   Key
	since time.Duration
}

func (q *dirtyQueue) push(now time.Duration, key Key) {
	if q.has(key) {
		return
	}
	if q.queued == nil {
		q.queued = make(map[Key]struct{})
	}
	q.queued[key] = struct{}{}
	if q.head > 64 && q.head > len(q.items)/2 {
		q.items = append(q.items[:0], q.items[q.head:]...)
		q.head = 0
	}
	q.items = append(q.items, dirtyItem{key, now})
}

func (q *dirtyQueue) has(key Key) bool { _, ok := q.queued[key]; return ok }
func (q *dirtyQueue) len() int         { return len(q.items) - q.head }

// first returns the oldest item; the queue must not be empty.
func (q *dirtyQueue) first() dirtyItem { return q.items[q.head] }

func (q *dirtyQueue) pop() {
	delete(q.queued, q.first().key)
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
}

// flight is a sequenced frame that the peer has not acknowledged yet.
type flight struct {
	sequence uint64
	since    time.Duration // of the oldest change in it
	records  int
	end      bool // it is an END-OF-SYNC
}

// sentRecord is one record of a flight.
type sentRecord struct {
	key     Key
	version Version
}

// window holds what has been sent and not been acknowledged, oldest first.
type window struct {
	frames  []flight
	records []sentRecord
	next    uint64 // sequence number of the next frame, less one
}

// ack takes the frames up to sequence out of the window. It calls acked for
// each of their records and returns how many END-OF-SYNC were among them.
func (w *window) ack(sequence uint64, acked func(Key, Version)) (ends int) {
	frames, records := 0, 0
	for frames < len(w.frames) && w.frames[frames].sequence <= sequence {
		records += w.frames[frames].records
		if w.frames[frames].end {
			ends++
		}
		frames++
	}
	for _, r := range w.records[:records] {
		acked(r.key, r.version)
	}
	w.frames = append(w.frames[:0], w.frames[frames:]...)
	w.records = append(w.records[:0], w.records[records:]...)
	return ends
}
