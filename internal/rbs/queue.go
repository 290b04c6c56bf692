package rbs

import (
	"tandem/internal/instant"
	"tandem/internal/latency"
)

// keptItems is for how many items an empty queue keeps memory for its next use. It frees
// the rest.
const keptItems = 4096

// fifo is a first-in, first-out queue. It keeps its memory while it is in use.
type fifo[T any] struct {
	items []T
	head  int
}

func (q *fifo[T]) len() int  { return len(q.items) - q.head }
func (q *fifo[T]) all() []T  { return q.items[q.head:] }
func (q *fifo[T]) first() *T { return &q.items[q.head] }

func (q *fifo[T]) push(v T) {
	if q.head > 64 && q.head > len(q.items)/2 {
		q.items = append(q.items[:0], q.items[q.head:]...)
		q.head = 0
	}
	q.items = append(q.items, v)
}

func (q *fifo[T]) pop(n int) {
	q.head += n
	if q.head < len(q.items) {
		return
	}
	q.items, q.head = q.items[:0], 0
	if cap(q.items) > keptItems {
		q.items = nil
	}
}

// dirtyQueue holds the keys of what has changed and has not been sent, in the order of
// their first change. Each key is in it at most once. So it never holds more keys than
// there are records, or streams, however slow the peer is.
type dirtyQueue[K comparable] struct {
	queued map[K]struct{}
	most   int // the most keys that the map has held
	fifo[dirtyItem[K]]
}

type dirtyItem[K comparable] struct {
	key   K
	since instant.Time
}

func (q *dirtyQueue[K]) has(key K) bool { _, ok := q.queued[key]; return ok }

func (q *dirtyQueue[K]) push(now instant.Time, key K) {
	if q.has(key) {
		return
	}
	if q.queued == nil {
		q.queued = make(map[K]struct{})
	}
	q.queued[key] = struct{}{}
	q.most = max(q.most, len(q.queued))
	q.fifo.push(dirtyItem[K]{key, now})
}

func (q *dirtyQueue[K]) pop() {
	delete(q.queued, q.first().key)
	q.fifo.pop(1)
	if len(q.queued) == 0 && q.most > keptItems {
		q.queued, q.most = nil, 0
	}
}

// flight is a frame with a sequence number that the peer has not acknowledged yet.
type flight struct {
	sequence uint64
	since    instant.Time // when the oldest change in the frame was made
	records  int
	noted    int  // how many of the records are in window.noted
	end      bool // the frame is an END-OF-SYNC
}

// sentRecord is a record in a flight whose acknowledgement is reported to the store.
type sentRecord struct {
	key     Key
	version Version
}

// window holds the frames that have been sent and not been acknowledged, oldest first.
type window struct {
	frames  fifo[flight]
	records int
	noted   fifo[sentRecord]
	last    uint64       // the highest sequence number in use
	moved   instant.Time // when the peer last acknowledged a frame, or a frame was added to the empty window
}

// next returns the sequence number of the next frame.
func (w *window) next() (sequence uint64) {
	w.last++
	return w.last
}

// sent adds the frame whose sequence number next has returned last.
func (w *window) sent(now instant.Time, f flight) {
	if w.frames.len() == 0 {
		w.moved = now
	}
	f.sequence = w.last
	w.records += f.records
	w.frames.push(f)
}

// ack removes the frames up to sequence from the window. It calls acked for each of their
// records in noted. It returns the number of their records, and whether one of the frames
// was an END-OF-SYNC.
func (w *window) ack(now instant.Time, sequence uint64, acked func(Key, Version), lags *latency.Histogram) (records int, ended bool) {
	for w.frames.len() > 0 && w.frames.first().sequence <= sequence {
		f := *w.frames.first()
		w.moved = now
		w.frames.pop(1)
		if lags != nil {
			lags.Observe(now.Sub(f.since), f.records)
		}
		for _, r := range w.noted.all()[:f.noted] {
			acked(r.key, r.version)
		}
		w.noted.pop(f.noted)
		w.records -= f.records
		records += f.records
		ended = ended || f.end
	}
	return records, ended
}
