package device

import (
	"maps"
	"slices"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

const (
	// ackPatience is how long the peer may take to acknowledge a new listener. After that
	// this device sends in the peer's stead.
	ackPatience = 200 * time.Millisecond
	// exceptionPace is the shortest time between two computations of the exceptions,
	// which go through many listeners.
	exceptionPace = 10 * time.Millisecond
	// partingTime is how long this device goes on sending a stream after the peer has
	// acknowledged the listener. In this time the peer joins the stream and begins to
	// forward it.
	partingTime = 200 * time.Millisecond
)

// exceptions holds the streams that this device sends although their bucket is the
// peer's. These are the streams of listeners whose reports came here and that the peer
// has not acknowledged: a duplicate for a moment is better than a gap.
//
// An unacknowledged listener first waits in fresh, while the peer has time to acknowledge
// it. Then it is overdue. It is removed when the peer acknowledges it, or sends a record
// of it.
type exceptions struct {
	*ground
	downstreams *downstreams
	routes      *routeTable
	waiting     int          // number of unacknowledged listeners of all interfaces, see awaited
	fresh       []arrival    // in the order of their joins
	overdue     []listener   // some of them may have been acknowledged since
	doneAt      instant.Time // when the exceptions were last computed
	OrphansKept
}

// OrphansKept is the state of the exceptions that outlives an event.
type OrphansKept struct {
	Current []SourceGroup                // the exceptions, sorted
	Parting map[SourceGroup]instant.Time // streams of Current whose listeners the peer has acknowledged, and until when this device still sends them
}

// clone returns a copy that shares no memory with k.
func (k OrphansKept) clone() OrphansKept {
	return OrphansKept{slices.Clone(k.Current), maps.Clone(k.Parting)}
}

// refresh computes the list of exceptions again.
func (e *exceptions) refresh(now instant.Time) {
	if e.waiting+len(e.Current) == 0 {
		return
	}
	e.doneAt = now
	e.endPatience(now)
	var set []SourceGroup
	if e.sharesAny() {
		set = e.withParting(now, e.streams(now))
	} else {
		e.Parting = nil
	}
	if !slices.Equal(set, e.Current) {
		e.Current = set
		e.agenda.add(stageGate, now)
	}
}

// withParting adds the streams that were exceptions until a moment ago, for partingTime.
func (e *exceptions) withParting(now instant.Time, set []SourceGroup) []SourceGroup {
	parting := make(map[SourceGroup]instant.Time)
	for _, sg := range e.Current {
		if _, still := slices.BinarySearchFunc(set, sg, compareSG); still {
			continue
		}
		until, known := e.Parting[sg]
		if !known {
			until = now.Add(partingTime)
		}
		if now < until {
			parting[sg] = until
			e.dueAt(until)
		}
	}
	e.Parting = parting
	set = slices.AppendSeq(set, maps.Keys(parting))
	slices.SortFunc(set, compareSG)
	return set
}

// sharesAny reports whether there is an interface on which the gate leaves any bucket to
// the peer.
func (e *exceptions) sharesAny() bool {
	for _, ifc := range e.downstreams.list {
		if ifc.duty().Covers != etrunk.AllBuckets {
			return true
		}
	}
	return false
}

// streams lists the streams of overdue listeners whose bucket the gate leaves to the
// peer. It removes listeners that have left.
func (e *exceptions) streams(now instant.Time) []SourceGroup {
	var set []SourceGroup
	var kept []listener
	for _, l := range e.overdue {
		if w := l.ifc.awaited.get(l.record); w == nil || !w.Overdue {
			continue // the peer has acknowledged the listener
		}
		rec, ok := l.ifc.router.At(now, l.record)
		if !ok || rec.Deleted || e.downstreams.get(l.ifc.name) != l.ifc || l.ifc.service == nil {
			e.forget(l)
			continue
		}
		kept = append(kept, l)
		covers := l.ifc.duty().Covers
		for source, r := range e.routes.of(rec.Group) {
			if covers&(1<<etrunk.BucketOf(source, rec.Group)) == 0 && slices.Contains(r.path.outgoing, l.ifc.netdev) {
				set = append(set, SourceGroup{source, rec.Group})
			}
		}
	}
	e.overdue = kept
	slices.SortFunc(set, compareSG)
	return slices.Compact(set)
}

func (e *exceptions) has(sg SourceGroup) bool {
	_, found := slices.BinarySearchFunc(e.Current, sg, compareSG)
	return found
}

func compareSG(a, b SourceGroup) int {
	if c := a.Group.Compare(b.Group); c != 0 {
		return c
	}
	return a.Source.Compare(b.Source)
}

// follow makes the exceptions be computed again after routes have changed.
func (e *exceptions) follow(now instant.Time) {
	if len(e.overdue) > 0 {
		e.soon(now)
	}
}
