package device

import (
	"maps"
	"slices"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

const (
	// orphanPatience is how long the peer may take to acknowledge a new
	// listener before this device sends in its stead.
	orphanPatience = 200 * time.Millisecond
	// orphanPace bounds how often the set is computed while listeners stream in.
	orphanPace = 10 * time.Millisecond
	// orphanParting is how long this device goes on sending once the peer knows of
	// the listener: it has yet to join the stream and to forward it.
	orphanParting = 200 * time.Millisecond
)

// orphanage keeps the listeners that were heard here and that the peer does
// not know of yet. Where the hash names the peer for their streams, this
// device sends: a duplicate for a moment is better than a gap.
//
// Each listener goes through it at most once, whatever their number: while the
// peer is given time it waits in fresh, then it is overdue, and it is forgotten
// from wherever it is when the peer tells of it.
type orphanage struct {
	waiting int          // listeners of all interfaces, see awaited
	fresh   []arrival    // in the order of their coming
	overdue []listener   // and some that were
	doneAt  instant.Time // when it was last computed
	OrphansKept
}

// OrphansKept is what a device knows of the streams that it sends in the peer's stead.
type OrphansKept struct {
	Current []SourceGroup                // sorted
	Parting map[SourceGroup]instant.Time // of Current, those the peer knows of: until when
}

// clone returns a copy that shares no memory with k.
func (k OrphansKept) clone() OrphansKept {
	return OrphansKept{slices.Clone(k.Current), maps.Clone(k.Parting)}
}

// listener is the record of a host on an interface.
type listener struct {
	ifc    *downstream
	record mld.Handle
}

// arrival is a listener that is given time. It counts only while the one that
// waits under its name came at the same moment.
type arrival struct {
	listener
	since instant.Time
}

// expect implements [followers]: it remembers the records by which hosts came to want more.
func (d *Device) expect(now instant.Time, ifc *downstream, joined []mld.Joined) {
	s, o := ifc.service, &d.orphans
	if s == nil {
		return
	}
	for _, j := range joined {
		o.await(now, listener{ifc, j.Handle}, replicaVersion(j.Version), s.InSync)
	}
	if len(o.fresh) > 0 {
		d.orphansAt(o.fresh[0].since.Add(orphanPatience))
	}
	if len(o.overdue) > 0 {
		d.orphansSoon(now)
	}
}

// discarded implements [followers].
func (d *Device) discarded(ifc *downstream) {
	d.orphans.waiting -= len(ifc.awaited.list)
	ifc.awaited = awaited{}
}

// await remembers a listener, which the peer may be given time to hear of.
func (o *orphanage) await(now instant.Time, l listener, v rbs.Version, patient bool) {
	before := len(l.ifc.awaited.list)
	w := l.ifc.awaited.put(l.record)
	o.waiting += len(l.ifc.awaited.list) - before
	w.Since, w.Version = now, v
	if patient {
		o.fresh = append(roomy(o.fresh), arrival{l, now})
	} else if !w.Overdue {
		w.Overdue = true
		o.overdue = append(roomy(o.overdue), l)
	}
}

// forget takes a listener out.
func (o *orphanage) forget(l listener) {
	if l.ifc.awaited.remove(l.record) {
		o.waiting--
	}
	if o.waiting == 0 { // what a flood of joins has taken is given back
		o.overdue, o.fresh = nil, nil
	}
}

// orphanAdopted forgets a listener that the peer knows at this version or a later one.
func (d *Device) orphanAdopted(now instant.Time, l listener, v rbs.Version) {
	o := &d.orphans
	w := l.ifc.awaited.get(l.record)
	if w == nil || v.Compare(w.Version) < 0 {
		return
	}
	o.forget(l)
	if len(o.Current) > 0 {
		d.orphansSoon(now)
	}
}

// orphansSoon has the set computed, less often the more there is to go through.
func (d *Device) orphansSoon(now instant.Time) {
	const batch = 2000
	pace := orphanPace * time.Duration(1+len(d.orphans.overdue)/batch)
	d.orphansAt(max(now, d.orphans.doneAt.Add(pace)))
}

// orphansSynchronised forgets the listeners from before the connection that has
// been synchronised now: the peer knew them, or has been told.
func (d *Device) orphansSynchronised(now instant.Time, s *service) {
	o := &d.orphans
	before := o.waiting
	for _, ifc := range s.interfaces {
		// From the end, where what takes the place of a forgotten one has been looked at.
		for i := len(ifc.awaited.list) - 1; i >= 0; i-- {
			if w := ifc.awaited.list[i]; w.Since < s.UpAt {
				o.forget(listener{ifc, w.Record})
			}
		}
	}
	if o.waiting < before {
		o.overdue = slices.DeleteFunc(o.overdue, func(l listener) bool { return l.ifc.awaited.get(l.record) == nil })
		d.orphansSoon(now)
	}
}

func (d *Device) orphansAt(at instant.Time) {
	d.agenda.add(stageExceptions, at)
}

// refreshOrphans recomputes which (S,G) pass the gate against the hash.
func (d *Device) refreshOrphans(now instant.Time) {
	o := &d.orphans
	if o.waiting+len(o.Current) == 0 {
		return
	}
	o.doneAt = now
	d.endPatience(now)
	var set []SourceGroup
	if d.sharesAny() {
		set = d.withParting(now, d.orphanSet(now))
	} else {
		o.Parting = nil
	}
	if !slices.Equal(set, o.Current) {
		o.Current = set
		d.agenda.add(stageGate, now)
	}
}

// withParting adds the streams that were sent in the peer's stead until a moment ago.
func (d *Device) withParting(now instant.Time, set []SourceGroup) []SourceGroup {
	o := &d.orphans
	parting := make(map[SourceGroup]instant.Time)
	for _, sg := range o.Current {
		if _, still := slices.BinarySearchFunc(set, sg, compareSG); still {
			continue
		}
		until, known := o.Parting[sg]
		if !known {
			until = now.Add(orphanParting)
		}
		if now < until {
			parting[sg] = until
			d.orphansAt(until)
		}
	}
	o.Parting = parting
	set = slices.AppendSeq(set, maps.Keys(parting))
	slices.SortFunc(set, compareSG)
	return set
}

// endPatience makes those overdue whose time is over, and all whose service has
// fallen out of synchronisation.
func (d *Device) endPatience(now instant.Time) {
	o := &d.orphans
	if !d.allInSync() {
		kept := o.fresh[:0]
		for _, a := range o.fresh {
			if now < a.since.Add(orphanPatience) && d.replicates(a.ifc) {
				kept = append(kept, a)
			} else {
				o.outwait(a)
			}
		}
		o.fresh = kept
	}
	for len(o.fresh) > 0 && now >= o.fresh[0].since.Add(orphanPatience) {
		o.outwait(o.fresh[0])
		o.fresh = o.fresh[1:]
	}
	if len(o.fresh) > 0 {
		d.orphansAt(o.fresh[0].since.Add(orphanPatience))
	}
}

// outwait makes a listener overdue, unless the peer knows it by now or it came
// again later.
func (o *orphanage) outwait(a arrival) {
	if w := a.ifc.awaited.get(a.record); w != nil && w.Since == a.since && !w.Overdue {
		w.Overdue = true
		o.overdue = append(o.overdue, a.listener)
	}
}

// replicates reports whether the service of an interface is synchronised.
func (d *Device) replicates(ifc *downstream) bool {
	s := ifc.service
	return s != nil && s.InSync
}

func (d *Device) allInSync() bool {
	for _, s := range d.services.list {
		if !s.InSync {
			return false
		}
	}
	return true
}

// sharesAny reports whether any interface leaves something to the peer.
func (d *Device) sharesAny() bool {
	for _, ifc := range d.downstreams.list {
		if d.dutyOf(ifc).Covers != etrunk.AllBuckets {
			return true
		}
	}
	return false
}

// orphanSet lists the streams of overdue listeners that the hash leaves to the
// peer, and forgets listeners that have gone.
func (d *Device) orphanSet(now instant.Time) []SourceGroup {
	o := &d.orphans
	var set []SourceGroup
	var kept []listener
	for _, l := range o.overdue {
		if w := l.ifc.awaited.get(l.record); w == nil || !w.Overdue {
			continue // it has been adopted
		}
		rec, ok := l.ifc.router.At(now, l.record)
		if !ok || rec.Deleted || d.downstreams.get(l.ifc.name) != l.ifc || l.ifc.service == nil {
			o.forget(l)
			continue
		}
		kept = append(kept, l)
		covers := d.dutyOf(l.ifc).Covers
		for source, r := range d.routes.table.of(rec.Group) {
			if covers&(1<<etrunk.BucketOf(source, rec.Group)) == 0 && slices.Contains(r.path.outgoing, l.ifc.netdev) {
				set = append(set, SourceGroup{source, rec.Group})
			}
		}
	}
	o.overdue = kept
	slices.SortFunc(set, compareSG)
	return slices.Compact(set)
}

func (d *Device) isOrphan(sg SourceGroup) bool {
	_, found := slices.BinarySearchFunc(d.orphans.Current, sg, compareSG)
	return found
}

func compareSG(a, b SourceGroup) int {
	if c := a.Group.Compare(b.Group); c != 0 {
		return c
	}
	return a.Source.Compare(b.Source)
}
