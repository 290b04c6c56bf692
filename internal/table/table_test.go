package table

import (
	"math/rand/v2"
	"testing"
)

// A table agrees with a map through growth, shrinking and collisions.
func TestTable(t *testing.T) {
	for _, weak := range []bool{false, true} {
		entries := Table[uint32]{Hash: func(v *uint32) uint64 {
			if weak {
				return uint64(*v%7) << 61 // long runs that wrap round the end
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
