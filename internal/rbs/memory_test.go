package rbs

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"tandem/internal/instant"
)

// memory is a Store as in a device: the last writer wins, and acknowledged tombstones are
// removed.
type memory struct {
	device  uint64
	records map[Key]Record
	digests []uint64
	acked   map[Key]Version
	busy    int   // number of iterations under way, during which nothing may change
	merged  int   // runs of Merge
	order   []Key // every key that was ever in the store, once
	known   map[Key]bool
	groups  map[netip.Addr]int
}

func newMemory(device uint64, buckets int) *memory {
	return &memory{device: device, records: map[Key]Record{}, digests: make([]uint64, buckets), acked: map[Key]Version{}, known: map[Key]bool{}, groups: map[netip.Addr]int{}}
}

func (m *memory) Buckets() int                                     { return len(m.digests) }
func (m *memory) Digest(b int) uint64                              { return m.digests[b] }
func (m *memory) Record(_ instant.Time, k Key) (r Record, ok bool) { r, ok = m.records[k]; return }

func (m *memory) Refs(_ instant.Time, bucket int, refs []Ref) []Ref {
	return m.part(bucket, len(m.digests), refs)
}

func (m *memory) LeafRefs(_ instant.Time, leaf int, refs []Ref) []Ref {
	return m.part(leaf, len(m.digests)*Leaves, refs)
}

// part appends the records of one of n parts.
func (m *memory) part(i, n int, refs []Ref) []Ref {
	for at, k := range m.order {
		if BucketOf(k, n) == i {
			refs = append(refs, Ref{Group: uint32(m.groups[k.Group]), Record: uint32(at)})
		}
	}
	return refs
}

func (m *memory) Leaf(now instant.Time, leaf int) (l Leaf) {
	for _, ref := range m.LeafRefs(now, leaf, nil) {
		if r, ok := m.At(now, ref); ok {
			l.Kept++
			if !r.Deleted {
				l.Live++
				l.Digest ^= Hash(r.Key, r.Version)
			}
		}
	}
	return l
}

func (m *memory) Len() int { return len(m.records) }

func (m *memory) NextGroup(after Ref, refs []Ref) []Ref {
	for i, k := range m.order {
		if _, ok := m.records[k]; ok && m.groups[k.Group] == int(after.Group)+1 {
			refs = append(refs, Ref{Group: after.Group + 1, Record: uint32(i)})
		}
	}
	if len(refs) == 0 && int(after.Group) < len(m.groups) {
		return m.NextGroup(Ref{Group: after.Group + 1}, refs)
	}
	return refs
}

func (m *memory) At(now instant.Time, ref Ref) (Record, bool) {
	return m.Record(now, m.order[ref.Record])
}

func (m *memory) Tombstones(instant.Time) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		m.busy++
		defer func() { m.busy-- }()
		for _, k := range m.order {
			if r, ok := m.records[k]; ok && r.Deleted && !yield(r) {
				return
			}
		}
	}
}

func (m *memory) EndMerge(instant.Time) { m.merged++ }

func (m *memory) put(r Record) {
	if m.busy > 0 {
		panic("store changed while it is ranged over")
	}
	m.flip(m.records[r.Key])
	if !m.known[r.Key] {
		m.known[r.Key] = true
		m.order = append(m.order, r.Key)
		m.number(r.Group)
	}
	m.records[r.Key] = r
	m.flip(r)
}

// number gives a group its number, from 1 on.
func (m *memory) number(group netip.Addr) {
	if m.groups[group] == 0 {
		m.groups[group] = len(m.groups) + 1
	}
}

// flip adds a live record to its digest, or removes it.
func (m *memory) flip(r Record) {
	if r.Group.IsValid() && !r.Deleted {
		m.digests[BucketOf(r.Key, len(m.digests))] ^= Hash(r.Key, r.Version)
	}
}

func (m *memory) Merge(_ instant.Time, rec *Record) Merged {
	if rec.Version.Compare(m.records[rec.Key].Version) <= 0 {
		return Stale
	}
	r := *rec
	r.Sources = slices.Clone(rec.Sources)
	m.put(r)
	return Newer
}

func (m *memory) Restamp(_ instant.Time, _ Version, by Stamp) {
	for _, k := range m.order {
		if r, ok := m.records[k]; ok {
			m.flip(r)
			r.Version.Clock += by
			m.records[k] = r
			m.flip(r)
		}
	}
}

func (m *memory) Acked(_ instant.Time, k Key, v Version) {
	if m.busy > 0 {
		panic("store changed while it is ranged over")
	}
	m.acked[k] = v
	if r := m.records[k]; r.Deleted && r.Version == v {
		delete(m.records, k)
	}
}

// live lists the live records, without what may differ between two stores.
func (m *memory) live() (list []string) {
	for _, r := range m.records {
		if !r.Deleted {
			list = append(list, fmt.Sprintf("%v %v %v %v %v", r.Key, r.Version, r.Exclude, r.V1, r.Sources))
		}
	}
	slices.Sort(list)
	return list
}

// tombstones lists the keys of the tombstones.
func (m *memory) tombstones() (keys []Key) {
	for k, r := range m.records {
		if r.Deleted {
			keys = append(keys, k)
		}
	}
	return keys
}

// keyOf makes up the i-th key.
func keyOf(i int) Key {
	group := netip.MustParseAddr("ff3e::8000:0").As16()
	host := netip.MustParseAddr("fe80::").As16()
	group[14], group[15] = byte(i>>8), byte(i)
	host[15] = byte(i % 7)
	return Key{BackupID: 10, SubInterface: uint32(i % 3), Group: netip.AddrFrom16(group), Host: netip.AddrFrom16(host)}
}
