package mld

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

const (
	chunkBits = 9
	chunkSize = 1 << chunkBits
	minSlots  = 16
	// A slot is an id and, above it, a few bits of the hash, which spare most looks
	// at entries that are not the one sought.
	idBits = 26
	idMask = 1<<idBits - 1
	// maxEntries is what a table can hold.
	maxEntries = idMask
)

// table stores entries under small stable ids, found by a key that the entry
// itself holds. An open-addressing index (4 bytes a slot, 53 to 80 % full)
// replaces a Go map, which would cost more than the record it points to. Entries
// never move, so pointers to them last until they are removed. Id 0 means none.
type table[T any] struct {
	hash   func(*T) uint64
	chunks [][]T
	free   []uint32
	top    uint32 // highest id given so far
	slots  []uint32
	used   int
}

func (t *table[T]) at(id uint32) *T { return &t.chunks[id>>chunkBits][id&(chunkSize-1)] }

// find returns the id of the entry with this hash that same accepts, or 0.
func (t *table[T]) find(hash uint64, same func(*T) bool) uint32 {
	if t.used == 0 {
		return 0
	}
	tag := slotFor(0, hash)
	for i := t.home(hash); t.slots[i] != 0; i = t.next(i) {
		if s := t.slots[i]; s&^idMask == tag && same(t.at(s&idMask)) {
			return s & idMask
		}
	}
	return 0
}

// slotFor joins an id with the low bits of its hash; home uses the high ones.
func slotFor(id uint32, hash uint64) uint32 { return uint32(hash)<<idBits | id }

// insert stores an entry whose key is not in the table yet.
func (t *table[T]) insert(v T) uint32 {
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
	*t.at(id) = v
	t.place(id)
	t.used++
	return id
}

// remove clears an entry and gives its id back.
func (t *table[T]) remove(id uint32) {
	i := t.home(t.hash(t.at(id)))
	for t.slots[i]&idMask != id {
		i = t.next(i)
	}
	// Close the hole so that no search stops short of an entry it pushed on.
	for j := t.next(i); t.slots[j] != 0; j = t.next(j) {
		if t.between(i, t.home(t.hash(t.at(t.slots[j]&idMask))), j) {
			continue
		}
		t.slots[i] = t.slots[j]
		i = j
	}
	t.slots[i] = 0
	t.used--
	var zero T
	*t.at(id) = zero
	t.free = append(t.free, id)
	if len(t.slots) > 4*minSlots && t.used < len(t.slots)/6 {
		t.resize(len(t.slots) / 3)
	}
}

// between reports whether home lies in the cyclic range (hole, j]: then the entry
// at j is still reachable and stays.
func (t *table[T]) between(hole, home, j int) bool {
	if hole < j {
		return hole < home && home <= j
	}
	return hole < home || home <= j
}

func (t *table[T]) resize(n int) {
	old := t.slots
	t.slots = make([]uint32, n)
	for _, s := range old {
		if s != 0 {
			t.place(s & idMask)
		}
	}
}

func (t *table[T]) place(id uint32) {
	hash := t.hash(t.at(id))
	i := t.home(hash)
	for t.slots[i] != 0 {
		i = t.next(i)
	}
	t.slots[i] = slotFor(id, hash)
}

// home scales the hash to the number of slots, which need not be a power of two.
func (t *table[T]) home(hash uint64) int {
	hi, _ := bits.Mul64(hash, uint64(len(t.slots)))
	return int(hi)
}

func (t *table[T]) next(i int) int {
	if i++; i == len(t.slots) {
		return 0
	}
	return i
}

// seed keys the hashes, so that hosts cannot choose addresses that collide.
type seed [2]uint64

func newSeed(device uint64) seed {
	a := mix(device^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return seed{a, mix(a^0xa0761d6478bd642f, device|1)}
}

func (s seed) addr(a netip.Addr) uint64 {
	b := a.As16()
	return mix(binary.LittleEndian.Uint64(b[:8])^s[0], binary.LittleEndian.Uint64(b[8:])^s[1])
}

func (s seed) pair(a, b uint32) uint64 { return mix(uint64(a)<<32^uint64(b)^s[0], s[1]|1) }

func (s seed) addrs(list []netip.Addr) uint64 {
	h := uint64(len(list))
	for _, a := range list {
		h = mix(h^s[0], s.addr(a)^s[1])
	}
	return h
}

// mix folds the 128-bit product of its arguments.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return mixFinal(hi ^ lo)
}

// mixFinal spreads a word over its high bits, which home looks at.
func mixFinal(x uint64) uint64 {
	x ^= x >> 32
	x *= 0xe9846af9b1a615d
	x ^= x >> 29
	return x * 0x9e3779b97f4a7c15
}
