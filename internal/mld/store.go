package mld

import (
	"iter"
	"net/netip"
	"slices"

	"tandem/internal/instant"
	"tandem/internal/table"
)

// record is a Record in memory: 56 bytes without a pointer, so that the garbage collector
// does not scan it.
type record struct {
	clock       uint64
	expires     instant.Time
	heard       instant.Time
	group, host uint32
	list        uint32 // id of the source list, 0 when it is empty
	device      uint16 // index into store.devices
	flags       flags
	links       table.Links // within the group
	tprev       uint32      // neighbours within the calendar
	tnext       uint32
}

type flags uint16

const (
	isExclude flags = 1 << iota
	isV1
	isDeleted
	isNew       // has been created and not been written yet
	isProlonged // retention has given it time after an expiry that a Done had lowered
)

func (r *record) mode() FilterMode {
	if r.flags&isExclude != 0 {
		return Exclude
	}
	return Include
}

func (r *record) live() bool { return r.flags&isDeleted == 0 }

// group is the state of one group.
type group struct {
	addr  netip.Addr
	since instant.Time // when it got its first live record
	// v1Until is when MLDv1 compatibility mode ends (RFC 9777, section 8.3.2).
	v1Until instant.Time
	// partialUntil is the end of the time in which an IS_IN may be the answer to a
	// group-and-source specific query.
	partialUntil instant.Time
	live         uint32 // live records
	exclude      uint32 // live records in EXCLUDE mode
	leaveRecord  uint32 // the record of host ::, 0 when there is none
	reporter     uint32 // host heard last
	records      table.Members
	sources      []sourceCount
	leave        *pendingLeave
}

// sourceCount counts the live records that list a source.
type sourceCount struct {
	addr     netip.Addr
	included uint32 // by records in INCLUDE mode
	excluded uint32 // by records in EXCLUDE mode
}

type host struct {
	addr netip.Addr
	refs uint32
}

// store is the listener database of one interface: the records, and their groups, hosts
// and source lists, each stored once.
type store struct {
	seed    table.Seed
	records table.Grouped[record]
	groups  table.Table[group]
	hosts   table.Table[host]
	lists   sourceLists
	devices []uint64 // IDs of the devices that wrote records; this device is the first
	expiry  calendar
	// lastGroup is the group that was looked up last, 0 for none.
	lastGroup uint32
	observer  func(Rewrite) // see Observe; nil for none

	liveRecords  int // without those of host ::
	liveGroups   int
	leaveRecords int // groups with a record of host ::

	// Entries are counted by setTally and tally.
	tallied bool
	except  *Policy
	entries int
}

func (s *store) init(device uint64) {
	s.seed = table.NewSeed(device)
	s.devices = []uint64{device}
	s.records.Hash = func(r *record) uint64 { return s.seed.Pair(r.group, r.host) }
	s.records.Links = func(r *record) *table.Links { return &r.links }
	s.groups.Hash = func(g *group) uint64 { return s.seed.Addr(g.addr) }
	s.hosts.Hash = func(h *host) uint64 { return s.seed.Addr(h.addr) }
	s.lists.init(s.seed)
	s.expiry = newCalendar(&s.records.Pool)
}

// findGroup returns the id of a group, 0 if there is none. It tries the group that was
// found last first, because records of one group often follow each other.
func (s *store) findGroup(a netip.Addr) uint32 {
	if id := s.lastGroup; id == 0 || s.groups.At(id).addr != a {
		s.lastGroup = s.groups.Find(s.seed.Addr(a), func(g *group) bool { return g.addr == a })
	}
	return s.lastGroup
}

func (s *store) findHost(a netip.Addr) uint32 {
	return s.hosts.Find(s.seed.Addr(a), func(h *host) bool { return h.addr == a })
}

// hostOf returns the id of a host. It makes a host without references if there is none.
func (s *store) hostOf(a netip.Addr) uint32 {
	if id := s.findHost(a); id != 0 {
		return id
	}
	return s.hosts.Insert(host{addr: a})
}

func (s *store) findRecord(group, host uint32) uint32 {
	if group == 0 || host == 0 {
		return 0
	}
	return s.records.Find(&s.groups.At(group).records, s.seed.Pair(group, host), func(r *record) bool { return r.host == host })
}

func (s *store) lookup(key Key) uint32 { return s.place(key).record }

// place holds the ids of a group, a host and their record; an id is 0 if there is none.
type place struct{ group, host, record uint32 }

// place finds the place of a key.
func (s *store) place(key Key) (p place) {
	p.group = s.findGroup(key.Group)
	p.host = s.findHost(key.Host)
	p.record = s.findRecord(p.group, p.host)
	return p
}

func (s *store) dropHost(id uint32) {
	if id == 0 {
		return
	}
	h := s.hosts.At(id)
	if h.refs--; h.refs == 0 {
		s.hosts.Remove(id)
	}
}

// filter returns the filter of a live record; the zero Filter for a tombstone and for id 0.
func (s *store) filter(id uint32) Filter {
	if id == 0 {
		return Filter{}
	}
	rec := s.records.At(id)
	if !rec.live() {
		return Filter{}
	}
	return Filter{rec.mode(), s.lists.get(rec.list)}
}

// device returns the index of a device ID. A pair has two. The bound protects against a
// peer that sends ever new IDs.
func (s *store) device(id uint64) (index uint16, ok bool) {
	if i := slices.Index(s.devices, id); i >= 0 {
		return uint16(i), true
	}
	if len(s.devices) == 256 {
		return 0, false
	}
	s.devices = append(s.devices, id)
	return uint16(len(s.devices) - 1), true
}

func (s *store) version(rec *record) Version { return Version{rec.clock, s.devices[rec.device]} }

// newer reports whether v wins over w.
func (v Version) newer(w Version) bool {
	if v.Clock != w.Clock {
		return v.Clock > w.Clock
	}
	return v.Device > w.Device
}

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
	s.hosts.At(at.host).refs++
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
	s.countRecord(g, id, -1, now)
	s.lists.release(rec.list)
	rec.flags, rec.list = c.flags, list
	s.countRecord(g, id, +1, now)
	if live && rec.live() {
		g.since = since // the group had listeners all the time
	}
	return before.differs(g.shape())
}

// shape is a summary of a group's listeners: if it is the same after a write and lists no
// sources, the group's forwarding has not changed.
type shape struct{ exclude, sources bool }

func (g *group) shape() shape { return shape{g.exclude > 0, len(g.sources) > 0} }

// differs reports whether forwarding may differ. It always may if sources are listed.
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
	s.records.Remove(&g.records, id)
	s.dropHost(hid)
	changed = live && before.differs(g.shape())
	if g.records.First == 0 {
		s.dropHost(g.reporter)
		s.groups.Remove(gid)
	}
	return changed
}

// leavingGroups yields the groups with a leave record. It stops after the last of them,
// because a new querier needs them fast.
func (s *store) leavingGroups() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		left := s.leaveRecords
		for gid := uint32(1); left > 0 && gid <= s.groups.Top(); gid++ {
			if s.groups.At(gid).leaveRecord == 0 {
				continue
			}
			if left--; !yield(gid) {
				return
			}
		}
	}
}

// setReporter sets the host that was heard last.
func (s *store) setReporter(g *group, hid uint32) {
	if g.reporter != hid {
		s.hosts.At(hid).refs++
		s.dropHost(g.reporter)
		g.reporter = hid
	}
}
