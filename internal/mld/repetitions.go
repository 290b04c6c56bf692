package mld

import (
	"slices"

	"tandem/internal/instant"
)

// repetitions holds the groups whose changes are sent again, by time. Groups whose
// changes are sent together are repeated together, as a batch.
type repetitions struct {
	due     instant.Queue[uint32] // the closed batches
	batches map[uint32][]uint32
	last    uint32
	open    []uint32 // the batch that add extends
}

// keptGroups bounds the capacity that an emptied list of groups keeps for its next use.
const keptGroups = 4096

// add adds a group to the open batch. The group may no longer exist when the batch is
// due.
func (r *repetitions) add(id uint32) { r.open = append(r.open, id) }

// end closes the open batch. The batch is due at the instant at.
func (r *repetitions) end(at instant.Time) {
	if len(r.open) == 0 {
		return
	}
	if r.batches == nil {
		r.batches = make(map[uint32][]uint32)
	}
	r.last++
	r.batches[r.last] = slices.Clone(r.open)
	r.due.Push(at, r.last)
	if r.open = r.open[:0]; cap(r.open) > keptGroups {
		r.open = nil
	}
}

// pop removes a batch that is due, and returns it with its time.
func (r *repetitions) pop(now instant.Time) (at instant.Time, groups []uint32) {
	batch, at, ok := r.due.Pop(now)
	if ok {
		groups = r.batches[batch]
		delete(r.batches, batch)
	}
	return at, groups
}
