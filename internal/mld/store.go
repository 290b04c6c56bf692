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
	links       table.Links // neighbours in the list of the group's records
	tprev       uint32      // neighbours in the list of the calendar's bucket
	tnext       uint32
}

type flags uint16

const (
	isExclude flags = 1 << iota
	isV1
	isDeleted
	isNew       // the record has been created and not yet written
	isProlonged // retention has prolonged the record after a Done had lowered its expiry
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
	since instant.Time // when the group got its first live record
	// v1Until is when MLDv1 compatibility mode ends (RFC 9777, section 8.3.2).
	v1Until instant.Time
	// partialUntil is the end of the time in which an IS_IN may be the answer to a
	// group-and-source specific query.
	partialUntil instant.Time
	live         uint32 // live records
	exclude      uint32 // live records in EXCLUDE mode
	leaveRecord  uint32 // the record of host ::, 0 when there is none
	reporter     uint32 // the host whose report came last
	records      table.Members
	sources      []sourceCount
	leave        *pendingLeave
}

// sourceCount counts the live records that list a source.
type sourceCount struct {
	addr     netip.Addr
	included uint32 // number of records in INCLUDE mode that name the source
	excluded uint32 // number of records in EXCLUDE mode that name the source
}

type host struct {
	addr  netip.Addr
	refs  uint32
	items uint32 // the host's records, tombstones included, plus the sources in its live records
	// entries of the host's records that count against the access limit, including those
	// that other hosts have, too
	entries uint32
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
	// lastGroup caches the group that findGroup found last, 0 for none.
	lastGroup uint32
	observer  func(Rewrite) // the function that Observe sets; nil for none

	liveRecords  int // records of hosts; leave records are not counted
	liveGroups   int
	leaveRecords int // groups with a leave record
	named        int // the number of sources of all groups that live records name

	// tallied says that entries are counted (see setTally and tally).
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

// findGroup returns the id of a group, 0 if there is none. It tries the group of the
// previous call first, because records of one group often follow each other.
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

// held returns the host of an id, the zero host if the id is 0.
func (s *store) held(id uint32) (h host) {
	if id != 0 {
		h = *s.hosts.At(id)
	}
	return h
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

// device returns the index of a device ID, and adds the ID if it is new. A pair has two
// IDs. A bound limits the memory that a peer with ever new IDs can take.
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

// leavingGroups yields the groups with a leave record. It does not go on to search after
// the last of them, because a new querier needs them fast.
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
