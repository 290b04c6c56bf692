package pairtest

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/event"
	"tandem/internal/linux/testnet"
	"tandem/internal/mld"
)

// TestHostileShare: with an access limit, one host joins as many groups as it can.
// Existing listeners miss nothing, the next viewer gets its stream, and the alarm names
// the host that takes the most.
func TestHostileShare(t *testing.T) {
	p, src, ssm, asm := receivingPair(t)
	p.configure("interface eth-trunk 10", "mld access-limit 64")
	p.forms(2)
	from := src.position()
	host := stranger{p.network, netip.MustParseAddr("fe80::bad")}
	p.host.SendAll(t, bridge, func(yield func(testnet.Packet) bool) {
		for i := range 200 {
			group := [16]byte{0xff, 0x1e, 2: 0xf1}
			binary.BigEndian.PutUint32(group[12:], uint32(i))
			if !yield(host.report(mld.GroupRecord{Type: mld.ModeIsExclude, Group: netip.AddrFrom16(group)})) {
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	p.servesNext()
	for _, l := range []*listener{ssm, asm} {
		if n := l.missed(from+1, src.position()-1); n > 0 {
			t.Errorf("%s missed %d packets", l.group, n)
		}
	}
	p.a.hasAlarms(event.JoinRefused.Name)
	contains(t, p.a.shows("alarm active"), "fe80::bad: access limit reached")
}
