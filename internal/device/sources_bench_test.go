package device

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/mld"
)

// BenchmarkSourcesOfOneGroup handles reports of hosts that each want one source of the
// same group, each time another source, a thousand reports a second.
func BenchmarkSourcesOfOneGroup(b *testing.B) {
	for _, sources := range []int{10, 100, 250} {
		b.Run(fmt.Sprint(sources), func(b *testing.B) {
			r := newRig(b)
			n := 0
			report := func() {
				source := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 12: byte(n >> 24), 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)})
				r.now = r.now.Add(time.Millisecond)
				r.report("eth-trunk10", n%sources, 1, mld.GroupRecord{Type: mld.ModeIsInclude, Sources: []netip.Addr{source}})
				n++
			}
			for range sources {
				report()
			}
			b.ReportAllocs()
			for b.Loop() {
				report()
			}
		})
	}
}
