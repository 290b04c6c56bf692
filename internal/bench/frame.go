package bench

import (
	"encoding/binary"
	"net/netip"

	"tandem/internal/mld"
)

var generatorMAC = []byte{2, 0, 0, 0, 0, 1}

const (
	etherHeader = 14
	ipv6Header  = 40
	// hopByHop is the length of a header with the Router Alert option.
	hopByHop = 8
)

var allMLDv2Routers = netip.MustParseAddr("ff02::16")

// reportFrame appends the Ethernet frame of a host's MLDv2 report.
func reportFrame(dst []byte, host netip.Addr, records ...mld.GroupRecord) []byte {
	start := len(dst)
	dst = ethernet(dst, allMLDv2Routers)
	dst = ipv6(dst, host, allMLDv2Routers, 0, 1)
	// Hop-by-hop options: ICMPv6 follows, Router Alert for MLD, two bytes of padding.
	dst = append(dst, 58, 0, 5, 2, 0, 0, 1, 0)
	message := len(dst)
	dst = mld.AppendReport(dst, records)
	mld.SetChecksum(host, allMLDv2Routers, dst[message:])
	setPayloadLength(dst[start:])
	return dst
}

// join returns the state-change record with which a host joins one source of a group.
func join(group int) mld.GroupRecord {
	return mld.GroupRecord{Type: mld.AllowNewSources, Group: groupAddr(group), Sources: []netip.Addr{sourceAddr}}
}

// refresh returns the current-state record for the same source.
func refresh(group int) mld.GroupRecord {
	return mld.GroupRecord{Type: mld.ModeIsInclude, Group: groupAddr(group), Sources: []netip.Addr{sourceAddr}}
}

// leave returns the state-change record with which the host leaves this source.
func leave(group int) mld.GroupRecord {
	return mld.GroupRecord{Type: mld.BlockOldSources, Group: groupAddr(group), Sources: []netip.Addr{sourceAddr}}
}

func ethernet(dst []byte, to netip.Addr) []byte {
	dst = append(dst, multicastMAC(to)...)
	dst = append(dst, generatorMAC...)
	return append(dst, 0x86, 0xdd)
}

// ipv6 appends an IPv6 header. Its payload length is still zero.
func ipv6(dst []byte, from, to netip.Addr, next, hops byte) []byte {
	f, t := from.As16(), to.As16()
	dst = append(dst, 0x60, 0, 0, 0, 0, 0, next, hops)
	dst = append(dst, f[:]...)
	return append(dst, t[:]...)
}

func setPayloadLength(frame []byte) {
	binary.BigEndian.PutUint16(frame[etherHeader+4:], uint16(len(frame)-etherHeader-ipv6Header))
}

// frames holds frames of any length in one block of memory.
type frames struct {
	bytes []byte
	ends  []int
}

func (f *frames) len() int { return len(f.ends) }

func (f *frames) at(i int) []byte {
	start := 0
	if i > 0 {
		start = f.ends[i-1]
	}
	return f.bytes[start:f.ends[i]]
}

func (f *frames) report(host netip.Addr, records ...mld.GroupRecord) {
	f.bytes = reportFrame(f.bytes, host, records...)
	f.ends = append(f.ends, len(f.bytes))
}

// reports makes n reports of one record each. The reports go through the groups in turn.
// Each group has one host: host number g%hosts reports group number g.
func reports(n, groups, hosts int, record func(group int) mld.GroupRecord) *frames {
	f := &frames{bytes: make([]byte, 0, n*112), ends: make([]int, 0, n)}
	for i := range n {
		group := i % groups
		f.report(hostAddr(group%hosts+1), record(group))
	}
	return f
}
