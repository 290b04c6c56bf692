package pairtest

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/event"
	"tandem/internal/linux/testnet"
	"tandem/internal/mld"
)

// losses returns how often the devices have lost their peer, or the replication, until now.
// A device may fail to connect while the other one starts.
func (p *pair) losses() (n int) {
	for _, d := range []*device{p.a, p.b} {
		n += d.logged("STACHG_TODWN") + d.logged(event.PeerLost.Name) + d.logged(event.ChannelDown.Name)
	}
	return n
}

// staysPair fails if a device has lost its peer, or the replication, since before.
func (p *pair) staysPair(before int) {
	p.t.Helper()
	if n := p.losses() - before; n > 0 {
		p.t.Errorf("the devices have lost each other %d times", n)
	}
}

// servesNext fails unless a host that joins now receives its stream within a second.
func (p *pair) servesNext() {
	p.t.Helper()
	s := p.stream(lateGroup)
	began := time.Now()
	p.join(lateGroup, noSource).awaits(s)
	if took := time.Since(began); took > time.Second {
		p.t.Errorf("a new listener is served after %v", took)
	}
}

// TestHostileData: a host sends data to ever new groups, as fast as it can. No listener
// misses a packet, and the devices make no entries for these groups.
func TestHostileData(t *testing.T) {
	p, src, ssm, asm := receivingPair(t)
	p.forms(2)
	losses := p.losses()
	from := src.position()
	sent := 0
	p.host.SendAll(t, bridge, func(yield func(testnet.Packet) bool) {
		payload := make([]byte, 8+100)
		binary.BigEndian.PutUint16(payload[2:], testnet.Port)
		binary.BigEndian.PutUint16(payload[4:], uint16(len(payload)))
		for end := time.Now().Add(2 * time.Second); time.Now().Before(end); sent++ {
			group := [16]byte{0xff, 0x1e, 2: 0xda}
			binary.BigEndian.PutUint32(group[12:], uint32(sent))
			source := [16]byte{0x20, 1, 0xd, 0xb8, 5: 0x10, 14: byte(sent >> 8), 15: byte(sent)}
			if !yield(testnet.Packet{Src: netip.AddrFrom16(source), Dst: netip.AddrFrom16(group), HopLimit: 8, Next: unix.IPPROTO_UDP, Payload: payload}) {
				return
			}
			if sent%100 == 99 { // leaves processor time to the receivers, because the machine has only two processors
				time.Sleep(time.Millisecond)
			}
		}
	})
	to := src.position()
	t.Logf("%d packets", sent)
	p.servesNext()
	for _, l := range []*listener{ssm, asm} {
		if n := l.missed(from+1, to-1); n > 0 {
			t.Errorf("%s missed %d packets", l.group, n)
		}
	}
	p.staysPair(losses)
	for _, d := range []*device{p.a, p.b} {
		if n := countLines(d.kernelFile("ip6_mr_cache")); n > 20 {
			t.Errorf("device %s has %d entries", d.name, n)
		}
	}
}

// TestHostileSources: 300 hosts each want one source of a group, and change it all the time, a
// thousand reports a second. No listener misses a packet, both devices stay a pair, and the
// group has no more sources than the limit.
func TestHostileSources(t *testing.T) {
	p, src, ssm, asm := receivingPair(t)
	p.forms(2)
	losses := p.losses()
	from := src.position()
	group := netip.MustParseAddr("ff3e::8000:bad")
	p.host.SendAll(t, bridge, func(yield func(testnet.Packet) bool) {
		for i := range 3000 {
			host := stranger{p.network, netip.MustParseAddr(fmt.Sprintf("fe80::bad:%x", i%300+1))}
			source := [16]byte{0x20, 1, 0xd, 0xb8, 4: 0xff, 14: byte(i >> 8), 15: byte(i)}
			record := mld.GroupRecord{Type: mld.AllowNewSources, Group: group, Sources: []netip.Addr{netip.AddrFrom16(source)}}
			if !yield(host.report(record)) {
				return
			}
			if i%10 == 9 {
				time.Sleep(10 * time.Millisecond)
			}
		}
	})
	to := src.position()
	p.servesNext()
	for _, l := range []*listener{ssm, asm} {
		if n := l.missed(from+1, to-1); n > 0 {
			t.Errorf("%s missed %d packets", l.group, n)
		}
	}
	p.staysPair(losses)
	p.a.hasAlarms(event.JoinRefused.Name)
	for _, d := range []*device{p.a, p.b} {
		if n := countLines(d.kernelFile("ip6_mr_cache")); n > 256+20 || n < 100 {
			t.Errorf("device %s has %d entries", d.name, n)
		}
	}
}
