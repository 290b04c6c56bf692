package device

import (
	"cmp"
	"slices"
	"time"

	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// listener identifies a listener: an interface and a host's record on it.
type listener struct {
	ifc    *downstream
	record mld.Handle
}

// arrival is a listener that the peer still has time to acknowledge. It is obsolete if
// the same listener has joined again since.
type arrival struct {
	listener
	since instant.Time
}

// expect implements [followers]. The listeners count as unacknowledged from now on.
func (e *exceptions) expect(now instant.Time, ifc *downstream, joined []mld.Joined) {
	s := ifc.service
	if s == nil {
		return
	}
	for _, j := range joined {
		e.await(now, listener{ifc, j.Handle}, replicaVersion(j.Version), s.InSync)
	}
	if len(e.fresh) > 0 {
		e.dueAt(e.fresh[0].since.Add(ackPatience))
	}
	if len(e.overdue) > 0 {
		e.soon(now)
	}
}

// discarded implements [followers].
func (e *exceptions) discarded(ifc *downstream) {
	e.waiting -= len(ifc.awaited.list)
	ifc.awaited = awaited{}
}

// await adds an unacknowledged listener. patient says that the peer still has time to
// acknowledge it.
func (e *exceptions) await(now instant.Time, l listener, v rbs.Version, patient bool) {
	before := len(l.ifc.awaited.list)
	w := l.ifc.awaited.put(l.record)
	e.waiting += len(l.ifc.awaited.list) - before
	w.Since, w.Version = now, v
	if patient {
		e.fresh = append(roomy(e.fresh), arrival{l, now})
	} else if !w.Overdue {
		w.Overdue = true
		e.overdue = append(roomy(e.overdue), l)
	}
}

// forget removes a listener, because it needs no exception any more.
func (e *exceptions) forget(l listener) {
	if l.ifc.awaited.remove(l.record) {
		e.waiting--
	}
	if e.waiting == 0 { // free the memory that a flood of joins has taken
		e.overdue, e.fresh = nil, nil
	}
}

// adopted removes a listener when the peer has its record with this version or a later
// one.
func (e *exceptions) adopted(now instant.Time, l listener, v rbs.Version) {
	w := l.ifc.awaited.get(l.record)
	if w == nil || v.Compare(w.Version) < 0 {
		return
	}
	e.forget(l)
	if len(e.Current) > 0 {
		e.soon(now)
	}
}

// soon schedules the next computation of the exceptions. The more listeners are overdue,
// the later it is.
func (e *exceptions) soon(now instant.Time) {
	const batch = 2000
	pace := exceptionPace * time.Duration(1+len(e.overdue)/batch)
	e.dueAt(max(now, e.doneAt.Add(pace)))
}

// synchronised removes the listeners that joined before the present connection, which is
// now in sync: the peer has their records.
func (e *exceptions) synchronised(now instant.Time, s *service) {
	before := e.waiting
	for _, ifc := range s.interfaces {
		// From the end, because the last entry takes the place of one that is removed.
		for i := len(ifc.awaited.list) - 1; i >= 0; i-- {
			if w := ifc.awaited.list[i]; w.Since < s.UpAt {
				e.forget(listener{ifc, w.Record})
			}
		}
	}
	if e.waiting < before {
		e.overdue = slices.DeleteFunc(e.overdue, func(l listener) bool { return l.ifc.awaited.get(l.record) == nil })
		e.soon(now)
	}
}

func (e *exceptions) dueAt(at instant.Time) {
	e.agenda.add(stageExceptions, at)
}

// endPatience makes listeners overdue that have waited for ackPatience, or whose service
// is no longer in sync.
func (e *exceptions) endPatience(now instant.Time) {
	if !e.allInSync() {
		kept := e.fresh[:0]
		for _, a := range e.fresh {
			if now < a.since.Add(ackPatience) && a.ifc.replicates() {
				kept = append(kept, a)
			} else {
				e.outwait(a)
			}
		}
		e.fresh = kept
	}
	for len(e.fresh) > 0 && now >= e.fresh[0].since.Add(ackPatience) {
		e.outwait(e.fresh[0])
		e.fresh = e.fresh[1:]
	}
	if len(e.fresh) > 0 {
		e.dueAt(e.fresh[0].since.Add(ackPatience))
	}
}

// outwait makes a listener overdue, unless the peer has acknowledged it, or it has joined
// again.
func (e *exceptions) outwait(a arrival) {
	if w := a.ifc.awaited.get(a.record); w != nil && w.Since == a.since && !w.Overdue {
		w.Overdue = true
		e.overdue = append(e.overdue, a.listener)
	}
}

// replicates reports whether the service of an interface is in sync.
func (i *downstream) replicates() bool { return i.service != nil && i.service.InSync }

func (e *exceptions) allInSync() bool {
	return !slices.ContainsFunc(e.downstreams.list, func(ifc *downstream) bool { return ifc.service != nil && !ifc.replicates() })
}

// resumed sorts the listeners that come from a predecessor's checkpoint.
func (e *exceptions) resumed() {
	slices.SortFunc(e.fresh, func(a, b arrival) int { return cmp.Compare(a.since, b.since) })
	if len(e.fresh) > 0 {
		e.dueAt(e.fresh[0].since.Add(ackPatience))
	}
}
