package mld

import (
	"slices"

	"tandem/internal/instant"
)

// content is what set writes into a record.
type content struct {
	Filter
	flags   flags // isExclude follows from Filter
	clock   uint64
	device  uint16
	heard   instant.Time
	expires instant.Time
}

// create makes the record of a key, and its group and host if there are none. The record
// is a tombstone until set writes it.
func (s *store) create(now instant.Time, key Key, expires instant.Time) (id uint32) {
	return s.createAt(now, key, s.place(key), expires)
}

func (s *store) createAt(now instant.Time, key Key, at place, expires instant.Time) (id uint32) {
	if at.group == 0 {
		at.group = s.groups.Insert(group{addr: key.Group})
		s.lastGroup = at.group
	}
	if at.host == 0 {
		at.host = s.hostOf(key.Host)
	}
	h := s.hosts.At(at.host)
	h.refs++
	h.items++
	g := s.groups.At(at.group)
	id = s.records.Insert(&g.records, record{group: at.group, host: at.host, flags: isDeleted | isNew, expires: expires})
	s.expiry.add(id, expires, now)
	if key.Host.IsUnspecified() {
		g.leaveRecord = id
		s.leaveRecords++
	}
	return id
}

// set replaces the content of a record. It reports whether the group's forwarding may
// have changed. A refresh allocates nothing and changes no count.
func (s *store) set(now instant.Time, id uint32, c content) (changed bool) {
	rec := s.records.At(id)
	if c.Mode == Exclude {
		c.flags |= isExclude
	}
	was, wasFlags := s.version(rec), rec.flags
	if rec.flags != c.flags || !slices.Equal(s.lists.get(rec.list), c.Sources) {
		changed = s.replace(now, id, c)
	}
	rec.clock, rec.device, rec.heard = c.clock, c.device, c.heard
	s.setExpiry(id, c.expires, now)
	s.notifyObserver(id, was, wasFlags, false)
	return changed
}

func (s *store) replace(now instant.Time, id uint32, c content) (changed bool) {
	rec := s.records.At(id)
	g := s.groups.At(rec.group)
	before := g.shape()
	live, since := rec.live(), g.since
	list := s.lists.acquire(c.Sources)
	if old := s.filter(id); live && c.flags&isDeleted == 0 && old.Mode == c.Mode {
		s.countSources(g, id, appendMinus(nil, old.Sources, c.Sources), -1)
		s.countSources(g, id, appendMinus(nil, c.Sources, old.Sources), +1)
		s.lists.release(rec.list)
		rec.flags, rec.list = c.flags, list
		return before.differs(g.shape())
	}
	s.countRecord(g, id, -1, now)
	s.lists.release(rec.list)
	rec.flags, rec.list = c.flags, list
	s.countRecord(g, id, +1, now)
	if live && rec.live() {
		g.since = since // the group had listeners before and after the write
	}
	return before.differs(g.shape())
}

// shape is a summary of a group's listeners. If it is the same before and after a write
// and no sources are listed, the group's forwarding has not changed.
type shape struct{ exclude, sources bool }

func (g *group) shape() shape { return shape{g.exclude > 0, len(g.sources) > 0} }

// differs reports whether forwarding may differ between two shapes. It may always differ
// if sources are listed.
func (a shape) differs(b shape) bool { return a.sources || b.sources || a.exclude != b.exclude }

// setExpiry sets a record's expiry. It moves the record in the calendar only if the
// expiry becomes earlier (see calendar).
func (s *store) setExpiry(id uint32, at, now instant.Time) {
	rec := s.records.At(id)
	earlier := at < rec.expires
	rec.expires = at
	if earlier {
		s.expiry.remove(id)
		s.expiry.add(id, at, now)
	}
}

// erase removes a record, and the group after its last record. It reports whether the
// group's forwarding may have changed.
func (s *store) erase(now instant.Time, id uint32) (changed bool) {
	rec := s.records.At(id)
	gid, g := rec.group, s.groups.At(rec.group)
	s.notifyObserver(id, s.version(rec), rec.flags, true)
	before, live := g.shape(), rec.live()
	s.countRecord(g, id, -1, now)
	s.lists.release(rec.list)
	if g.leaveRecord == id {
		g.leaveRecord = 0
		s.leaveRecords--
	}
	if rec.tprev != 0 {
		s.expiry.remove(id)
	}
	hid := rec.host
	s.hosts.At(hid).items--
	s.records.Remove(&g.records, id)
	s.dropHost(hid)
	changed = live && before.differs(g.shape())
	if g.records.First == 0 {
		s.dropHost(g.reporter)
		s.groups.Remove(gid)
	}
	return changed
}

// setReporter records which host of a group sent the last report.
func (s *store) setReporter(g *group, hid uint32) {
	if g.reporter != hid {
		s.hosts.At(hid).refs++
		s.dropHost(g.reporter)
		g.reporter = hid
	}
}
