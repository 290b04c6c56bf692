package device

import (
	"slices"

	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// awaited are the listeners of one interface that the peer does not know yet, found by their
// records. After a join there is one for a moment. While the peer is away there is one for
// every join.
type awaited struct {
	place []uint32 // in list, by record, counted from 1; 0 for none
	list  []Waiting
}

// Waiting is a listener that the peer does not know of. When its record has gone
// that may come to name another: then that may be sent in vain for a while.
type Waiting struct {
	Since   instant.Time
	Version rbs.Version
	Record  mld.Handle // of this program
	Overdue bool       // it is among the overdue
}

// get returns what is known of a record, nil when the peer knows it. It is valid
// until the next put or remove.
func (a *awaited) get(record mld.Handle) *Waiting {
	if int(record) >= len(a.place) || a.place[record] == 0 {
		return nil
	}
	return &a.list[a.place[record]-1]
}

// put returns the place of a record, which it makes if need be.
func (a *awaited) put(record mld.Handle) *Waiting {
	if w := a.get(record); w != nil {
		return w
	}
	if more := int(record) + 1 - len(a.place); more > 0 {
		a.place = append(roomy(a.place), make([]uint32, more)...)
	}
	a.list = append(roomy(a.list), Waiting{Record: record})
	a.place[record] = uint32(len(a.list))
	return &a.list[len(a.list)-1]
}

// roomy doubles a list that is full. While the peer is away every join goes into lists
// that append would grow by a quarter at a time.
func roomy[T any](list []T) []T {
	if len(list) == cap(list) {
		return slices.Grow(list, len(list)+16)
	}
	return list
}

// keptAwaited is how much room an empty set keeps; what a flood of joins has taken
// beyond that is given back.
const keptAwaited = 4096

// remove forgets a record and reports whether it was there.
func (a *awaited) remove(record mld.Handle) bool {
	w := a.get(record)
	if w == nil {
		return false
	}
	last := len(a.list) - 1
	*w = a.list[last]
	a.place[w.Record] = a.place[record]
	a.place[record] = 0
	a.list = a.list[:last]
	if last == 0 && cap(a.list) > keptAwaited {
		*a = awaited{}
	}
	return true
}
