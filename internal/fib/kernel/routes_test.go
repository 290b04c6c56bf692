package kernel

import (
	"testing"

	"tandem/internal/device"
	"tandem/internal/fib/fibtest"
	"tandem/internal/linux/testnet"
)

// TestSetRoutesAllocatesNothing: SetRoutes does not allocate memory for a join.
func TestSetRoutesAllocatesNothing(t *testing.T) {
	b, p := newPlane(t, device.Gate{})
	var changes []device.RouteChange
	for i := range 8 {
		changes = append(changes, fibtest.Route(i, [][]string{{"d0"}, {"d0", "d1"}}[i%2]...))
	}
	b.InTurn(func() {
		if got := testing.AllocsPerRun(100, func() { p.SetRoutes(changes) }); got != 0 {
			t.Errorf("%v allocations for %d routes", got, len(changes))
		}
	})
}

// BenchmarkSetRoutes makes routes for new groups. One call makes as many as one read of
// reports brings. BenchmarkSet of package mroute shows the part of the kernel.
func BenchmarkSetRoutes(b *testing.B) {
	const batch = 64
	bed, p := newPlane(b, device.Gate{})
	changes := make([]device.RouteChange, batch)
	outgoing := [][]string{{"d0"}, {"d0", "d1"}}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		for k := range changes {
			changes[k] = device.RouteChange{Source: testnet.Source, Group: numbered(i), Incoming: "u0", Outgoing: outgoing[i/8%2]}
			i++
		}
		bed.InTurn(func() {
			if set := p.SetRoutes(changes); set != batch {
				b.Fatalf("%d routes of %d are in force", set, batch)
			}
		})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/route")
}
