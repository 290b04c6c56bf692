package table

import "math/bits"

const (
	minSlots = 8
	// A slot is an id and, above it, a few bits of the hash, which spare most looks
	// at entries that are not the one sought.
	idBits = 26
	idMask = 1<<idBits - 1
	// MaxEntries is what an index can hold.
	MaxEntries = idMask
)

// index finds ids by the hash of what they name: open addressing, 4 bytes a slot, 53 to
// 80 % full. The zero index is empty. A hash that a method takes is always the same
// function, that of an id's entry.
type index struct {
	slots []uint32
	used  int
}

// find returns the id with this hash that same accepts, or 0.
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

// slotFor joins an id with the low bits of its hash; home uses the high ones.
func slotFor(id uint32, hash uint64) uint32 { return uint32(hash)<<idBits | id }

// insert enters an id that is not there yet.
func (x *index) insert(id uint32, hash func(id uint32) uint64) {
	x.fit(x.used+1, hash)
	x.enter(id, hash(id))
}

// remove takes an id out. Its entry must still be there, and may go then.
func (x *index) remove(id uint32, hash func(id uint32) uint64) {
	x.leave(id, hash)
	x.fit(x.used, hash)
}

// fit makes room for n ids, or gives back what they do not need.
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

// again returns an empty index of another size, if n ids need one.
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
	// Close the hole so that no search stops short of an id it pushed on.
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

// between reports whether home lies in the cyclic range (hole, j]: then the id
// at j is still reachable and stays.
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
