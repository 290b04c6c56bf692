// Package table keeps many small things compactly: entries under small stable ids,
// found by a key that the entry itself holds.
package table

import "math/bits"

const (
	chunkBits = 9
	chunkSize = 1 << chunkBits
	minSlots  = 16
	// A slot is an id and, above it, a few bits of the hash, which spare most looks
	// at entries that are not the one sought.
	idBits = 26
	idMask = 1<<idBits - 1
	// MaxEntries is what a table can hold.
	MaxEntries = idMask
)

// Table stores entries. An open-addressing index (4 bytes a slot, 53 to 80 % full)
// replaces a Go map, which would cost more than the entry it points to. Entries
// never move, so pointers to them last until they are removed. Id 0 means none.
// The zero Table is empty; Hash must be set before it is used.
type Table[T any] struct {
	// Hash is that of an entry's key, see Seed.
	Hash   func(*T) uint64
	chunks [][]T
	free   []uint32
	top    uint32 // highest id given so far
	slots  []uint32
	used   int
}

// At returns the entry of an id that is in use.
func (t *Table[T]) At(id uint32) *T { return &t.chunks[id>>chunkBits][id&(chunkSize-1)] }

// Len returns the number of entries.
func (t *Table[T]) Len() int { return t.used }

// Top returns the highest id in use so far. Ids that are not in use name zero entries.
func (t *Table[T]) Top() uint32 { return t.top }

// Find returns the id of the entry with this hash that same accepts, or 0.
func (t *Table[T]) Find(hash uint64, same func(*T) bool) uint32 {
	if t.used == 0 {
		return 0
	}
	tag := slotFor(0, hash)
	for i := t.home(hash); t.slots[i] != 0; i = t.next(i) {
		if s := t.slots[i]; s&^idMask == tag && same(t.At(s&idMask)) {
			return s & idMask
		}
	}
	return 0
}

// slotFor joins an id with the low bits of its hash; home uses the high ones.
func slotFor(id uint32, hash uint64) uint32 { return uint32(hash)<<idBits | id }

// Insert stores an entry whose key is not in the table yet.
func (t *Table[T]) Insert(v T) uint32 {
	if t.used+t.used/4 >= len(t.slots) {
		t.resize(max(minSlots, len(t.slots)+len(t.slots)/2))
	}
	var id uint32
	if n := len(t.free); n > 0 {
		id, t.free = t.free[n-1], t.free[:n-1]
	} else {
		t.top++
		id = t.top
		if int(id>>chunkBits) >= len(t.chunks) {
			t.chunks = append(t.chunks, make([]T, chunkSize))
		}
	}
	*t.At(id) = v
	t.place(id)
	t.used++
	return id
}

// Remove clears an entry and gives its id back.
func (t *Table[T]) Remove(id uint32) {
	i := t.home(t.Hash(t.At(id)))
	for t.slots[i]&idMask != id {
		i = t.next(i)
	}
	// Close the hole so that no search stops short of an entry it pushed on.
	for j := t.next(i); t.slots[j] != 0; j = t.next(j) {
		if t.between(i, t.home(t.Hash(t.At(t.slots[j]&idMask))), j) {
			continue
		}
		t.slots[i] = t.slots[j]
		i = j
	}
	t.slots[i] = 0
	t.used--
	var zero T
	*t.At(id) = zero
	t.free = append(t.free, id)
	if len(t.slots) > 4*minSlots && t.used < len(t.slots)/6 {
		t.resize(len(t.slots) / 3)
	}
}

// between reports whether home lies in the cyclic range (hole, j]: then the entry
// at j is still reachable and stays.
func (t *Table[T]) between(hole, home, j int) bool {
	if hole < j {
		return hole < home && home <= j
	}
	return hole < home || home <= j
}

// resize goes through the entries as they lie in memory, which is much quicker
// than in the order of the slots.
func (t *Table[T]) resize(n int) {
	t.slots = make([]uint32, n)
	vacant := make([]bool, t.top+1)
	for _, id := range t.free {
		vacant[id] = true
	}
	for id := uint32(1); id <= t.top; id++ {
		if !vacant[id] {
			t.place(id)
		}
	}
}

func (t *Table[T]) place(id uint32) {
	hash := t.Hash(t.At(id))
	i := t.home(hash)
	for t.slots[i] != 0 {
		i = t.next(i)
	}
	t.slots[i] = slotFor(id, hash)
}

// home scales the hash to the number of slots, which need not be a power of two.
func (t *Table[T]) home(hash uint64) int {
	hi, _ := bits.Mul64(hash, uint64(len(t.slots)))
	return int(hi)
}

func (t *Table[T]) next(i int) int {
	if i++; i == len(t.slots) {
		return 0
	}
	return i
}
