package table

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A table has the same content as a map after growth, shrinking and hash collisions.
func TestTable(t *testing.T) {
	for _, weak := range []bool{false, true} {
		entries := Table[uint32]{Hash: func(v *uint32) uint64 {
			if weak {
				return uint64(*v%7) << 61 // so that many hashes collide and searches pass the end of the index
			}
			return mixFinal(uint64(*v))
		}}
		find := func(v uint32) uint32 {
			return entries.Find(entries.Hash(&v), func(w *uint32) bool { return *w == v })
		}
		rng := rand.New(rand.NewPCG(1, 1))
		ids := map[uint32]uint32{}
		for i := range 20_000 {
			v := rng.Uint32N(600) + 1
			if id, known := ids[v]; known && (i > 15_000 || rng.IntN(3) == 0) {
				entries.Remove(id)
				delete(ids, v)
			} else if !known && i <= 15_000 {
				ids[v] = entries.Insert(v)
			}
			if w := rng.Uint32N(600) + 1; find(w) != ids[w] {
				t.Fatalf("weak %v, step %d: %d is at %d, not %d", weak, i, w, ids[w], find(w))
			}
		}
		if entries.Len() != len(ids) {
			t.Errorf("%d entries, want %d", entries.Len(), len(ids))
		}
	}
}

// A member is found only in its own group. The list of a group begins with the member
// inserted last.
func TestGrouped(t *testing.T) {
	type entry struct {
		group, value uint32
		links        Links
	}
	entries := Grouped[entry]{
		Hash:  func(e *entry) uint64 { return mixFinal(uint64(e.value)) },
		Links: func(e *entry) *Links { return &e.links },
	}
	var groups [8]Members
	listed := map[uint32][]uint32{} // the ids of each group in the order of insertion
	ids := map[[2]uint32]uint32{}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 40_000 {
		g := rng.Uint32N(uint32(len(groups)))
		value := rng.Uint32N(2<<g) + 1 // up to 256 in a group
		m, key := &groups[g], [2]uint32{g, value}
		got := entries.Find(m, mixFinal(uint64(value)), func(e *entry) bool { return e.value == value })
		if got != ids[key] {
			t.Fatalf("step %d: %d of group %d is at %d, not %d", i, value, g, got, ids[key])
		}
		switch {
		case got != 0 && (i > 30_000 || rng.IntN(2) == 0):
			entries.Remove(m, got)
			listed[g] = slices.DeleteFunc(listed[g], func(id uint32) bool { return id == got })
			delete(ids, key)
		case got == 0 && i <= 30_000:
			ids[key] = entries.Insert(m, entry{group: g, value: value})
			listed[g] = append(listed[g], ids[key])
		}
		id := m.First
		for _, want := range slices.Backward(listed[g]) {
			if id != want || entries.At(id).group != g {
				t.Fatalf("step %d: group %d lists %d, want %d", i, g, id, want)
			}
			id = entries.At(id).links.Next
		}
		if id != 0 || entries.Len() != len(ids) {
			t.Fatalf("step %d: %d more in group %d; %d entries, want %d", i, id, g, entries.Len(), len(ids))
		}
	}
}
