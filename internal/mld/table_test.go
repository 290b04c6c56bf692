package mld

import (
	"math/rand/v2"
	"testing"
)

// A table agrees with a map through growth, shrinking and collisions.
func TestTable(t *testing.T) {
	for _, weak := range []bool{false, true} {
		table := table[uint32]{hash: func(v *uint32) uint64 {
			if weak {
				return uint64(*v%7) << 61 // long runs that wrap round the end
			}
			return mixFinal(uint64(*v))
		}}
		find := func(v uint32) uint32 {
			return table.find(table.hash(&v), func(w *uint32) bool { return *w == v })
		}
		rng := rand.New(rand.NewPCG(1, 1))
		ids := map[uint32]uint32{}
		for i := range 20_000 {
			v := rng.Uint32N(600) + 1
			if id, known := ids[v]; known && (i > 15_000 || rng.IntN(3) == 0) {
				table.remove(id)
				delete(ids, v)
			} else if !known && i <= 15_000 {
				ids[v] = table.insert(v)
			}
			if w := rng.Uint32N(600) + 1; find(w) != ids[w] {
				t.Fatalf("weak %v, step %d: %d is at %d, not %d", weak, i, w, ids[w], find(w))
			}
		}
		if table.used != len(ids) {
			t.Errorf("%d entries, want %d", table.used, len(ids))
		}
	}
}

func TestRefreshAllocatesNothing(t *testing.T) {
	r, report := loaded(100, 3, nil)
	var p Packet
	var fx Effects
	i := 0
	allocs := testing.AllocsPerRun(1000, func() {
		fx.Reset()
		if err := p.Parse(report100(report, i)); err != nil {
			t.Fatal(err)
		}
		if err := r.Receive(r.now, Version{uint64(i + 2), 1}, Meta{Src: hostNumber(i % 3), HopLimit: 1}, &p, &fx); err != nil {
			t.Fatal(err)
		}
		i++
	})
	if allocs != 0 {
		t.Errorf("%v allocations a refresh", allocs)
	}
}

var reports [100][]byte

// report100 encodes each report once.
func report100(report func(int) []byte, i int) []byte {
	i %= len(reports)
	if reports[i] == nil {
		reports[i] = report(i)
	}
	return reports[i]
}
