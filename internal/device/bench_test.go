package device

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"tandem/internal/mld"
)

// BenchmarkJoins handles joins of 100,000 distinct (S,G) of one host each, 64 in each
// turn of the loop, and reports the memory of a group. The peer is away.
func BenchmarkJoins(b *testing.B) {
	const groups, turn = 100_000, 64
	source := []netip.Addr{netip.MustParseAddr("2001:db8:5::10")}
	events := make([]MLDReceived, groups)
	for i := range events {
		group := netip.AddrFrom16([16]byte{0xff, 0x3e, 12: 0x80, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
		events[i] = MLDReceived{
			Netdev: "eth-trunk10",
			Meta:   mld.Meta{Src: hostOf(i % 100), Dst: mld.AllMLDv2Routers, HopLimit: 1, RouterAlert: true},
			Packet: &mld.Packet{Type: mld.TypeReportV2, Records: []mld.GroupRecord{{Type: mld.AllowNewSources, Group: group, Sources: source}}},
		}
	}
	b.ReportAllocs()
	var grown float64
	for b.Loop() {
		b.StopTimer()
		r := newRig(b)
		r.pass(time.Minute)
		before := heap()
		b.StartTimer()
		for i := range events {
			r.now = r.now.Add(3 * time.Microsecond)
			r.dev.Handle(r.now, &events[i])
			if i%turn == turn-1 {
				if r.dev.Deadline().IsDue(r.now) {
					r.dev.Advance(r.now)
				}
				r.dev.Effects()
			}
		}
		b.StopTimer()
		r.pass(2 * time.Second)
		grown = float64(heap()-before) / groups
		runtime.KeepAlive(r)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*groups), "ns/join")
	b.ReportMetric(grown, "B/group")
}

// heap returns the live heap in bytes.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
