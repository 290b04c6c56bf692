package mld

import (
	"net/netip"
	"slices"
)

const (
	// maxReport is the largest ICMPv6 message in a packet of 1280 bytes: the IPv6 header
	// and the hop-by-hop options take 48 bytes.
	maxReport        = 1280 - 48
	maxRecordSources = (maxReport - reportHeaderSize - recordHeaderSize) / addrSize
)

// packer packs group records into reports.
type packer struct {
	buf  []byte // the current report, whose record count is still 0
	n    int
	fx   *Effects
	sent *Messages
}

// add adds a group record. If its source list does not fit into one packet, the list of
// an EXCLUDE type is cut: then the routers forward too much rather than too little. The
// list of another type goes on in a second record (RFC 9777, section 5.2.15).
func (k *packer) add(t RecordType, group netip.Addr, sources []netip.Addr) {
	part := sources[:min(len(sources), maxRecordSources)]
	k.addRecord(GroupRecord{t, group, part})
	if t == ModeIsExclude || t == ChangeToExclude {
		return
	}
	rest := sources[len(part):]
	if t == ChangeToInclude {
		// A router that tracks hosts would replace the list of the first TO_IN by that of
		// a second one. So the second record is an ALLOW.
		t = AllowNewSources
	}
	for more := range slices.Chunk(rest, maxRecordSources) {
		k.addRecord(GroupRecord{t, group, more})
	}
}

func (k *packer) addRecord(r GroupRecord) {
	if k.n > 0 && len(k.buf)+r.size() > maxReport {
		k.flush()
	}
	if k.n == 0 {
		k.buf = AppendReport(k.buf[:0], nil)
	}
	k.buf = appendRecord(k.buf, r)
	k.n++
}

// flush sends the current report.
func (k *packer) flush() {
	if k.n == 0 {
		return
	}
	k.buf[6], k.buf[7] = byte(k.n>>8), byte(k.n)
	k.sent.ReportsV2++
	k.sent.Records += uint64(k.n)
	k.fx.report(AllMLDv2Routers, slices.Clone(k.buf))
	k.n = 0
}
