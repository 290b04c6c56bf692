package device

import (
	"slices"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

const (
	// orphanPatience is how long the peer may take to acknowledge a new
	// listener before this device sends in its stead.
	orphanPatience = 200 * time.Millisecond
	// orphanPace bounds how often the set is computed while listeners stream in.
	orphanPace = 10 * time.Millisecond
)

// orphanage keeps the listeners that were heard here and that the peer does
// not know of yet. Where the hash names the peer for their streams, this
// device sends: a duplicate for a moment is better than a gap.
type orphanage struct {
	waiting map[rbs.Key]waiting
	dueAt   time.Duration // when the set must be computed next, 0 when it need not
	doneAt  time.Duration // when it was last computed
	current []SourceGroup // sorted
}

type waiting struct {
	since   time.Duration
	version rbs.Version
}

// noteOrphans remembers the records of a report by which a host came to want more.
func (d *Device) noteOrphans(now time.Duration, ifc *downstream, s *service, fx *mld.Effects) {
	for _, key := range fx.Joined {
		if rec, ok := ifc.router.Get(key); ok {
			d.orphans.waiting[d.replicaKey(ifc, key)] = waiting{since: now, version: replicaVersion(rec.Version)}
		}
	}
	switch {
	case len(d.orphans.waiting) == 0:
	case s.inSync:
		d.orphansAt(now + orphanPatience)
	default:
		d.orphansAt(max(now, d.orphans.doneAt+orphanPace))
	}
}

// orphanAdopted forgets a listener that the peer knows at this version or a later one.
func (d *Device) orphanAdopted(now time.Duration, key rbs.Key, v rbs.Version) {
	if w, ok := d.orphans.waiting[key]; ok && v.Compare(w.version) >= 0 {
		delete(d.orphans.waiting, key)
		if len(d.orphans.current) > 0 {
			d.orphansAt(now)
		}
	}
}

func (d *Device) orphansAt(at time.Duration) {
	if d.orphans.dueAt == 0 || at < d.orphans.dueAt {
		d.orphans.dueAt = at
		d.wakeAt(at)
	}
}

// refreshOrphans recomputes which (S,G) pass the gate against the hash.
func (d *Device) refreshOrphans(now time.Duration) {
	d.orphans.dueAt, d.orphans.doneAt = 0, now
	var set []SourceGroup
	for key, w := range d.orphans.waiting {
		ifc := d.downstreamOf(key)
		if ifc == nil || !d.listens(ifc, key) {
			delete(d.orphans.waiting, key)
			continue
		}
		covers := d.dutyOf(ifc).Covers
		if covers == etrunk.AllBuckets {
			continue
		}
		if s := d.serviceOf(ifc); s != nil && s.inSync && now < w.since+orphanPatience {
			d.orphansAt(w.since + orphanPatience)
			continue
		}
		for source, r := range d.routes.groups[key.Group] {
			if covers&(1<<etrunk.BucketOf(source, key.Group)) == 0 && slices.Contains(r.outgoing, ifc.netdev) {
				set = append(set, SourceGroup{source, key.Group})
			}
		}
	}
	slices.SortFunc(set, compareSG)
	set = slices.Compact(set)
	if !slices.Equal(set, d.orphans.current) {
		d.orphans.current = set
		d.gateDirty = true
	}
}

// listens reports whether a record is still there and alive.
func (d *Device) listens(ifc *downstream, key rbs.Key) bool {
	rec, ok := ifc.router.Get(mld.Key{Group: key.Group, Host: key.Host})
	return ok && !rec.Deleted
}

func (d *Device) isOrphan(sg SourceGroup) bool {
	_, found := slices.BinarySearchFunc(d.orphans.current, sg, compareSG)
	return found
}

func compareSG(a, b SourceGroup) int {
	if c := a.Group.Compare(b.Group); c != 0 {
		return c
	}
	return a.Source.Compare(b.Source)
}
