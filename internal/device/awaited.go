package device

import (
	"slices"

	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// awaited holds the listeners of one interface that the peer has not acknowledged yet, by
// record. In normal operation a listener is in it for a moment after its join. While the
// peer is away, every new listener is in it.
type awaited struct {
	place []uint32 // position in list of each record, counted from 1; 0 for none
	list  []Waiting
}

// Waiting is a listener that the peer has not acknowledged. When its record has gone, the
// handle may come to name another record. Then this device may send that record's streams
// in the peer's stead for a while, without need.
type Waiting struct {
	Since   instant.Time
	Version rbs.Version
	Record  mld.Handle // valid in this process only
	Overdue bool       // the listener is in exceptions.overdue
}

// get returns the entry of a record, nil if the peer has acknowledged the record. The
// pointer is valid until the next put or remove.
func (a *awaited) get(record mld.Handle) *Waiting {
	if int(record) >= len(a.place) || a.place[record] == 0 {
		return nil
	}
	return &a.list[a.place[record]-1]
}

// put returns the entry of a record. It makes a new one if there is none.
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

// roomy doubles the capacity of a list that is full. While the peer is away every join
// adds to such lists, and append would grow a large one by only a quarter at a time.
func roomy[T any](list []T) []T {
	if len(list) == cap(list) {
		return slices.Grow(list, len(list)+16)
	}
	return list
}

// keptAwaited is how much capacity an empty set keeps. It frees what a flood of joins has
// taken beyond that.
const keptAwaited = 4096

// remove removes a record and reports whether it was there.
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
