package tape

import (
	"time"

	"tandem/internal/device"
)

// Start is where a recording begins: a device that has just booted, or one of which
// everything is known.
type Start struct {
	ID, Boot   uint64
	Wall       time.Time
	At         time.Duration
	Settings   *device.Settings   // nil at a boot
	Checkpoint *device.Checkpoint // nil at a boot
}

// segmentLife is the least that a recording reaches back once it is so old, if it fits.
const segmentLife = 5 * time.Minute

// mostRecords bounds the databases of which checkpoints are taken: the loop stands still
// for some 100 ms for so many.
const mostRecords = 200_000

// segment is a stretch of the recording.
type segment struct {
	start   Start
	entries []byte
	last    time.Duration
}

// ring is a recording of bounded size: the stretch under way and the one before it.
type ring struct {
	most     int
	now, old *segment // nil while there is nothing to begin from
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
	entries, err := appendEntry(r.now.entries, r.now.last, e)
	if err != nil || len(entries) > r.most {
		r.drop()
		return
	}
	r.now.entries, r.now.last = entries, e.At
}

// due says that it is time for another stretch.
func (r *ring) due(now time.Duration) bool {
	return r.now == nil || len(r.now.entries) > r.most/2 || now > r.now.start.At+segmentLife
}

// copy copies the recording. A stretch goes on where the one before ends.
func (r *ring) copy(now time.Duration) Recording {
	rec := Recording{At: now}
	for _, s := range []*segment{r.old, r.now} {
		if s == nil {
			continue
		}
		if len(rec.stretches) == 0 {
			rec.Start = s.start
		}
		rec.stretches = append(rec.stretches, stretch{s.start.At, s.entries[:len(s.entries):len(s.entries)]})
	}
	return rec
}
