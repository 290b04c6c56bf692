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

// report returns a report of the stranger's records.
func (s stranger) report(records ...mld.GroupRecord) testnet.Packet {
	p := testnet.Packet{Src: s.addr, Dst: mld.AllMLDv2Routers, HopLimit: 1, HopByHop: routerAlert, Payload: mld.AppendReport(nil, records)}
	mld.SetChecksum(p.Src, p.Dst, p.Payload)
	return p
}

// floods sends reports of groups, each with as many sources as fit into a report, at up
// to a thousand reports a second.
func (s stranger) floods(reports int) {
	s.t.Helper()
	sources := make([]netip.Addr, 70)
	s.host.SendAll(s.t, bridge, func(yield func(testnet.Packet) bool) {
		for i := range reports {
			for j := range sources {
				sources[j] = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 4: 0xff, 12: byte(i >> 8), 13: byte(i), 15: byte(j)})
			}
			group := [16]byte{0xff, 0x3e, 2: 0xf1}
			binary.BigEndian.PutUint32(group[12:], uint32(i)|1<<31)
			if !yield(s.report(mld.GroupRecord{Type: mld.ModeIsInclude, Group: netip.AddrFrom16(group), Sources: sources})) {
				return
			}
			if i%10 == 9 {
				time.Sleep(10 * time.Millisecond)
			}
		}
	})
}

// TestHostileJoins: one host wants 420,000 streams, more than both devices can store.
// Other listeners miss no packet, a new one is served, and both devices stay a pair. The
// records of the hostile host are bounded, and an alarm names it.
func TestHostileJoins(t *testing.T) {
	p, src, ssm, asm := receivingPair(t)
	p.forms(2)
	losses := p.losses()
	from := src.position()
	stranger{p.network, netip.MustParseAddr("fe80::bad")}.floods(6000)
	to := src.position()
	late := p.join(lateGroup, noSource)
	late.awaits(p.stream(lateGroup))
	for _, l := range []*listener{ssm, asm} {
		if n := l.missed(from+1, to); n > 0 {
			t.Errorf("%s missed %d packets", l.group, n)
		}
	}
	const most = 4096 + 20 // the limit of one host, and the records of the others
	for _, d := range []*device{p.a, p.b} {
		f, err := facts[interfaceFacts](d, "mld interface verbose", "interfaces")
		testnet.Must(t, err)
		if f.Records > most || f.Records < 10 {
			t.Errorf("device %s holds %d records", d.name, f.Records)
		}
		if n := countLines(d.kernelFile("ip6_mr_cache")); n > most {
			t.Errorf("the kernel of device %s holds %d routes", d.name, n)
		}
	}
	p.staysPair(losses)
	p.a.hasAlarms(event.JoinRefused.Name)
	contains(t, p.a.shows("alarm active"), "fe80::bad: host limit reached")
}
