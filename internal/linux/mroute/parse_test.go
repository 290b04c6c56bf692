package mroute

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// routeMessage returns a message as the kernel sends it.
func routeMessage() []byte {
	b := netlink.Attributes{familyIP6MR, 128, 128, 0, unix.RT_TABLE_MAIN, unix.RTPROT_MROUTED, unix.RT_SCOPE_UNIVERSE, unix.RTN_MULTICAST, 0, 0, 0, 0}
	u64 := func(v uint64) []byte { return binary.NativeEndian.AppendUint64(nil, v) }
	hop := binary.NativeEndian.AppendUint32([]byte{8, 0, 0, 1}, 7)
	b.Uint32(unix.RTA_TABLE, unix.RT_TABLE_MAIN)
	b.Bytes(unix.RTA_SRC, netip.MustParseAddr("2001:db8::1").AsSlice())
	b.Bytes(unix.RTA_DST, netip.MustParseAddr("ff1e::1").AsSlice())
	b.Uint32(unix.RTA_IIF, 5)
	b.Bytes(unix.RTA_MULTIPATH|unix.NLA_F_NESTED, append(hop, hop...))
	b.Bytes(unix.RTA_MFC_STATS, append(append(u64(10), u64(20)...), u64(30)...))
	b.Uint64(unix.RTA_EXPIRES, 150)
	return b
}

func TestParseEntry(t *testing.T) {
	var e Entry
	if !parseEntry(routeMessage(), unix.RT_TABLE_MAIN, &e) {
		t.Fatal("not accepted")
	}
	if e.Upstream != 5 || len(e.Outgoing) != 2 || e.Outgoing[1] != 7 || e.Counters != (Counters{10, 20, 30}) ||
		e.Idle != 1500*time.Millisecond || e.Group != netip.MustParseAddr("ff1e::1") {
		t.Errorf("parsed %+v", e)
	}
	if parseEntry(routeMessage(), 7, &e) {
		t.Error("an entry of another table was accepted")
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add(routeMessage())
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Entry
		if parseEntry(b, unix.RT_TABLE_MAIN, &e) && (!e.Source.IsValid() || !e.Group.IsValid() || e.Idle < 0) {
			t.Errorf("accepted %+v", e)
		}
	})
}
