package mld

import "testing"

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
		if err := r.Receive(after(0), Version{uint64(i + 2), 1}, Meta{Src: hostNumber(i % 3), HopLimit: 1}, &p, &fx); err != nil {
			t.Fatal(err)
		}
		i++
	})
	if allocs != 0 {
		t.Errorf("%v allocations a refresh", allocs)
	}
}

var reports [100][]byte

// report100 returns the i-th of 100 reports. It encodes each report only once.
func report100(report func(int) []byte, i int) []byte {
	i %= len(reports)
	if reports[i] == nil {
		reports[i] = report(i)
	}
	return reports[i]
}
