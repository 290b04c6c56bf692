package multicast

import (
	"cmp"
	"slices"

	"tandem/internal/event"
	"tandem/internal/fib"
)

// causeUnknown is the cause if no chain was found that drops packets.
const causeUnknown = "no chain of nftables was found that does"

// leavingChanged records whether packets forwarded out of an interface leave it.
func (r *Routing) leavingChanged(l fib.Leaving) {
	defer r.o.Changed(l.Netdev)
	if !l.Lacking {
		delete(r.dropped, l.Netdev)
		r.o.Emit(event.StreamsLeave.With(l.Netdev))
		return
	}
	r.dropped[l.Netdev] = cmp.Or(l.Cause, causeUnknown)
	r.o.Emit(event.StreamsDropped.With(l.Netdev, r.dropped[l.Netdev]))
}

// droppedConditions returns the alarm conditions for interfaces on which forwarded packets do
// not leave.
func (r *Routing) droppedConditions() (list []event.Condition) {
	for netdev, cause := range r.dropped {
		list = append(list, event.Condition{AlarmKind: event.Dropped, Object: netdev, Detail: cause})
	}
	slices.SortFunc(list, event.Condition.Compare)
	return list
}
