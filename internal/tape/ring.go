package tape

import (
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/instant"
)

// Start is where a recording begins: a device that has just booted, or one of which
// everything is known.
type Start struct {
	ID, Boot   uint64
	Wall       time.Time
	At         instant.Time
	Settings   *device.Settings   // nil at a boot
	Checkpoint *device.Checkpoint // nil at a boot
}

// segmentLife is the least that a recording reaches back once it is so old, if it fits.
const segmentLife = 5 * time.Minute

// mostRecords bounds the databases of which checkpoints are taken: the loop stands still
// meanwhile, and a peer may die in that moment. So many take some 10 ms.
const mostRecords = 20_000

// segment is a stretch of the recording.
type segment struct {
	start  Start
	chunks [][]byte // of whole entries; only the last one grows
	size   int
	last   instant.Time
}

// chunkSize is what is allocated at a time: what has been written is never copied.
const chunkSize = 256 << 10

func (s *segment) add(entry []byte) {
	last := len(s.chunks) - 1
	if last < 0 || len(s.chunks[last])+len(entry) > cap(s.chunks[last]) {
		s.chunks = append(s.chunks, make([]byte, 0, max(chunkSize, len(entry))))
		last++
	}
	s.chunks[last] = append(s.chunks[last], entry...)
	s.size += len(entry)
}

// ring is a recording of bounded size: the stretch under way and the one before it.
type ring struct {
	most     int
	now, old *segment // nil while there is nothing to begin from
	scratch  []byte
}

// begin begins a stretch.
func (r *ring) begin(s Start) {
	if r.most == 0 {
		return
	}
	r.old, r.now = r.now, &segment{start: s, last: s.At}
}

// drop forgets everything; the next stretch is due at once.
func (r *ring) drop() { r.old, r.now = nil, nil }

// add adds an entry to the stretch under way. One that cannot be told ends the
// recording, for what follows would be wrong without it.
func (r *ring) add(e *Entry) {
	if r.now == nil {
		return
	}
	entry, err := appendEntry(r.scratch[:0], r.now.last, e)
	if err != nil || r.now.size > r.most {
		r.drop()
		return
	}
	r.scratch = entry
	r.now.add(entry)
	r.now.last = e.At
}

// due says that it is time for another stretch.
func (r *ring) due(now instant.Time) bool {
	return r.now == nil || r.now.size > r.most/2 || now > r.now.start.At.Add(segmentLife)
}

// copy copies the recording. A stretch goes on where the one before ends.
func (r *ring) copy(now instant.Time) Recording {
	rec := Recording{At: now}
	for _, s := range []*segment{r.old, r.now} {
		if s == nil {
			continue
		}
		if len(rec.stretches) == 0 {
			rec.Start = s.start
		}
		rec.stretches = append(rec.stretches, stretch{s.start.At, slices.Clone(s.chunks)})
	}
	return rec
}
