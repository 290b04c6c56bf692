package tape

import (
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/instant"
)

// Start is the beginning of a recording: a device that has just booted, or a checkpoint of
// a device.
type Start struct {
	ID, Boot   uint64
	Wall       time.Time
	At         instant.Time
	Settings   *device.Settings   // nil if the device has just booted
	Checkpoint *device.Checkpoint // nil if the device has just booted
}

// segmentLife is the length of a segment. A recording reaches back at least so long, if the
// device is that old and the size permits it.
const segmentLife = 5 * time.Minute

// mostRecords is the largest database of which checkpoints are made. The event loop is
// blocked during a checkpoint, and the peer may die at this moment. With so many records,
// a checkpoint takes about 10 ms.
const mostRecords = 20_000

// segment is one part of the recording, with its own start.
type segment struct {
	start  Start
	chunks [][]byte // each holds whole entries; only the last one grows
	size   int
	last   instant.Time
}

// chunkSize is how much memory is allocated at a time. Written bytes are never copied.
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

// ring is a recording of limited size: the present segment and the one before it.
type ring struct {
	most     int
	now, old *segment // nil if there is no start
	scratch  []byte
}

// begin begins a segment.
func (r *ring) begin(s Start) {
	if r.most == 0 {
		return
	}
	r.old, r.now = r.now, &segment{start: s, last: s.At}
}

// drop discards the recording. The next segment is due at once.
func (r *ring) drop() { r.old, r.now = nil, nil }

// add adds an entry to the present segment. If the entry cannot be encoded, the recording
// ends, because later entries would be wrong without it.
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

// due reports whether another segment must begin.
func (r *ring) due(now instant.Time) bool {
	return r.now == nil || r.now.size > r.most/2 || now > r.now.start.At.Add(segmentLife)
}

// copy copies the recording. Each segment continues the one before it.
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
