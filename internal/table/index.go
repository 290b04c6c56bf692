package table

import "math/bits"

const (
	minSlots = 8
	// A slot contains an id and, in the bits above it, a few bits of the hash. If these
	// bits differ, the entry need not be compared.
	idBits = 26
	idMask = 1<<idBits - 1
	// MaxEntries is how many entries an index can hold.
	MaxEntries = idMask
)

// index finds ids by the hash of their entries' keys. It uses open addressing with 4 bytes
// for each slot, and 53 to 80 % of the slots are used. The zero index is empty. All calls
// for one index must get the same function hash, which returns the hash of an id's entry.
type index struct {
	slots []uint32
	used  int
}

// find returns the id with this hash for which same is true, or 0.
func (x *index) find(hash uint64, same func(id uint32) bool) uint32 {
	if x.used == 0 {
		return 0
	}
	tag := slotFor(0, hash)
	for i := x.home(hash); x.slots[i] != 0; i = x.next(i) {
		if s := x.slots[i]; s&^idMask == tag && same(s&idMask) {
			return s & idMask
		}
	}
	return 0
}

// slotFor combines an id with the low bits of its hash. home uses the high bits.
func slotFor(id uint32, hash uint64) uint32 { return uint32(hash)<<idBits | id }

// insert adds an id that is not in the index yet.
func (x *index) insert(id uint32, hash func(id uint32) uint64) {
	x.fit(x.used+1, hash)
	x.enter(id, hash(id))
}

// remove deletes an id. Its entry must still exist, and may be deleted afterwards.
func (x *index) remove(id uint32, hash func(id uint32) uint64) {
	x.leave(id, hash)
	x.fit(x.used, hash)
}

// fit gives the index a size for n ids: it makes room, or frees memory that n ids do not
// need.
func (x *index) fit(n int, hash func(id uint32) uint64) {
	again, needed := x.again(n)
	if !needed {
		return
	}
	for _, s := range x.slots {
		if id := s & idMask; id != 0 {
			again.enter(id, hash(id))
		}
	}
	*x = again
}

// again returns an empty index for n ids, if the present size does not suit n ids.
func (x *index) again(n int) (again index, needed bool) {
	size := len(x.slots)
	switch {
	case n+n/4 > size:
		size = max(minSlots, size+size/2)
	case size > 8*minSlots && n < size/6:
		size /= 3
	default:
		return index{}, false
	}
	return index{slots: make([]uint32, size)}, true
}

func (x *index) enter(id uint32, hash uint64) {
	i := x.home(hash)
	for x.slots[i] != 0 {
		i = x.next(i)
	}
	x.slots[i] = slotFor(id, hash)
	x.used++
}

func (x *index) leave(id uint32, hash func(id uint32) uint64) {
	i := x.home(hash(id))
	for x.slots[i]&idMask != id {
		i = x.next(i)
	}
	// Move ids back into the hole. Otherwise a search for an id behind the hole would end
	// at the hole.
	for j := x.next(i); x.slots[j] != 0; j = x.next(j) {
		if x.between(i, x.home(hash(x.slots[j]&idMask)), j) {
			continue
		}
		x.slots[i] = x.slots[j]
		i = j
	}
	x.slots[i] = 0
	x.used--
}

// between reports whether home lies in the cyclic range (hole, j]. If so, a search still
// finds the id at j, and it stays.
func (x *index) between(hole, home, j int) bool {
	if hole < j {
		return hole < home && home <= j
	}
	return hole < home || home <= j
}

// home scales the hash to the number of slots, which need not be a power of two.
func (x *index) home(hash uint64) int {
	hi, _ := bits.Mul64(hash, uint64(len(x.slots)))
	return int(hi)
}

func (x *index) next(i int) int {
	if i++; i == len(x.slots) {
		return 0
	}
	return i
}
