package device

import (
	"cmp"
	"slices"
	"time"

	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// listener is the record of a host on an interface.
type listener struct {
	ifc    *downstream
	record mld.Handle
}

// arrival is a listener that the peer has time to acknowledge. It is obsolete when the
// listener has come again since.
type arrival struct {
	listener
	since instant.Time
}

// expect implements [followers]. The peer may not know of the listeners.
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

// await remembers an unacknowledged listener. Patient gives the peer time to acknowledge it.
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

// forget removes a listener.
func (e *exceptions) forget(l listener) {
	if l.ifc.awaited.remove(l.record) {
		e.waiting--
	}
	if e.waiting == 0 { // give the memory of a flood of joins back
		e.overdue, e.fresh = nil, nil
	}
}

// adopted forgets a listener when the peer knows it at this version or a later one.
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

// soon has the exceptions computed. The more listeners are overdue, the later.
func (e *exceptions) soon(now instant.Time) {
	const batch = 2000
	pace := exceptionPace * time.Duration(1+len(e.overdue)/batch)
	e.dueAt(max(now, e.doneAt.Add(pace)))
}

// synchronised forgets the listeners that came before the connection which is in sync now.
// The peer knew them, or has been told.
func (e *exceptions) synchronised(now instant.Time, s *service) {
	before := e.waiting
	for _, ifc := range s.interfaces {
		// From the end: the last one takes the place of one that is forgotten.
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

// endPatience makes listeners overdue that have waited for ackPatience, and those whose
// service is no more in sync.
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

// outwait makes a listener overdue, unless the peer knows it by now, or it has come again.
func (e *exceptions) outwait(a arrival) {
	if w := a.ifc.awaited.get(a.record); w != nil && w.Since == a.since && !w.Overdue {
		w.Overdue = true
		e.overdue = append(e.overdue, a.listener)
	}
}

// replicates reports whether the service of an interface is synchronised.
func (i *downstream) replicates() bool { return i.service != nil && i.service.InSync }

func (e *exceptions) allInSync() bool {
	return !slices.ContainsFunc(e.downstreams.list, func(ifc *downstream) bool { return ifc.service != nil && !ifc.replicates() })
}

// resumed sorts the listeners that a predecessor has left.
func (e *exceptions) resumed() {
	slices.SortFunc(e.fresh, func(a, b arrival) int { return cmp.Compare(a.since, b.since) })
	if len(e.fresh) > 0 {
		e.dueAt(e.fresh[0].since.Add(ackPatience))
	}
}
