package tape

import (
	"net/netip"
	"testing"
	"time"

	"tandem/internal/device"
	"tandem/internal/mld"
)

// BenchmarkRecording measures the cost of recording a report that refreshes a record.
func BenchmarkRecording(b *testing.B) {
	e := Entry{Kind: kindMLD, Event: &device.MLDReceived{
		Netdev: "eth-trunk10.100",
		Meta:   mld.Meta{Src: netip.MustParseAddr("fe80::1"), Dst: mld.AllMLDv2Routers, HopLimit: 1, RouterAlert: true},
		Packet: &mld.Packet{Type: mld.TypeReportV2, Records: []mld.GroupRecord{{Type: mld.ModeIsExclude, Group: netip.MustParseAddr("ff3e::1")}}},
	}}
	r := ring{most: 32 << 20}
	r.begin(Start{ID: 1})
	b.ReportAllocs()
	for b.Loop() {
		e.At = e.At.Add(time.Microsecond)
		r.add(&e)
		if r.now.size > r.most/2 {
			r.begin(Start{ID: 1, At: e.At})
		}
	}
}
