package mld

import (
	"net/netip"
	"slices"

	"tandem/internal/table"
)

// sourceLists stores each list of sources once, and counts the references to it. Id 0 is
// the empty list.
type sourceLists struct {
	seed  table.Seed
	lists table.Table[sourceList]
}

type sourceList struct {
	addrs []netip.Addr // never modified
	refs  uint32
}

func (t *sourceLists) init(seed table.Seed) {
	t.seed = seed
	t.lists.Hash = func(l *sourceList) uint64 { return t.seed.Addrs(l.addrs) }
}

// acquire returns the id of a sorted list and adds a reference. It copies a new list.
func (t *sourceLists) acquire(addrs []netip.Addr) uint32 {
	if len(addrs) == 0 {
		return 0
	}
	id := t.lists.Find(t.seed.Addrs(addrs), func(l *sourceList) bool { return slices.Equal(l.addrs, addrs) })
	if id == 0 {
		kept := make([]netip.Addr, len(addrs))
		copy(kept, addrs)
		id = t.lists.Insert(sourceList{addrs: kept})
	}
	t.lists.At(id).refs++
	return id
}

// release removes a reference, and the list after its last one.
func (t *sourceLists) release(id uint32) {
	if id == 0 {
		return
	}
	l := t.lists.At(id)
	if l.refs--; l.refs == 0 {
		t.lists.Remove(id)
	}
}

// get returns a list. The slice stays valid after the last reference is released.
func (t *sourceLists) get(id uint32) []netip.Addr {
	if id == 0 {
		return nil
	}
	return t.lists.At(id).addrs
}
