package mld

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// AppendQuery appends the ICMPv6 message of q to dst. It leaves the checksum zero, so
// that the kernel or SetChecksum fills it in. Times that the format cannot hold exactly
// are rounded down to the next value that it can hold.
func AppendQuery(dst []byte, q Query) []byte {
	ms := max(q.MaxResponse, 0) / time.Millisecond
	if q.Version == 1 {
		return appendV1(dst, TypeQuery, uint16(min(ms, 0xffff)), q.Group)
	}
	dst = appendV1(dst, TypeQuery, encodeResponse(ms), q.Group)
	flags := byte(0)
	if q.Robustness >= 0 && q.Robustness <= 7 {
		flags = byte(q.Robustness)
	}
	if q.Suppress {
		flags |= 0x08
	}
	dst = append(dst, flags, encodeInterval(max(q.QueryInterval, 0)/time.Second))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(q.Sources)))
	return appendAddrs(dst, q.Sources)
}

// AppendReport appends an MLDv2 report to dst. The caller has to keep the report within
// the MTU (see GroupRecord.size).
func AppendReport(dst []byte, records []GroupRecord) []byte {
	dst = append(dst, byte(TypeReportV2), 0, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(records)))
	for _, r := range records {
		dst = appendRecord(dst, r)
	}
	return dst
}

func appendRecord(dst []byte, r GroupRecord) []byte {
	dst = append(dst, byte(r.Type), 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(r.Sources)))
	dst = appendAddr(dst, r.Group)
	return appendAddrs(dst, r.Sources)
}

// size is the number of bytes the record takes in a report.
func (gr GroupRecord) size() int { return recordHeaderSize + addrSize*len(gr.Sources) }

// AppendReportV1 appends an MLDv1 report for a group (RFC 2710, section 3).
func AppendReportV1(dst []byte, group netip.Addr) []byte {
	return appendV1(dst, TypeReportV1, 0, group)
}

// AppendDone appends an MLDv1 done for a group (RFC 2710, section 3).
func AppendDone(dst []byte, group netip.Addr) []byte {
	return appendV1(dst, TypeDone, 0, group)
}

func appendV1(dst []byte, t Type, response uint16, group netip.Addr) []byte {
	dst = append(dst, byte(t), 0, 0, 0, byte(response>>8), byte(response), 0, 0)
	return appendAddr(dst, group)
}

func appendAddrs(dst []byte, addrs []netip.Addr) []byte {
	for _, a := range addrs {
		dst = appendAddr(dst, a)
	}
	return dst
}

// appendAddr appends the 16 bytes of an address. The zero Addr becomes ::.
func appendAddr(dst []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		a = netip.IPv6Unspecified()
	}
	b := a.As16()
	return append(dst, b[:]...)
}

// encodeResponse is the inverse of decodeResponse, rounding down.
func encodeResponse(ms time.Duration) uint16 {
	const most = 0x1fff << 10
	v := uint32(min(ms, most))
	if v < 0x8000 {
		return uint16(v)
	}
	exp := uint32(0)
	for v>>(exp+3) > 0x1fff {
		exp++
	}
	return uint16(0x8000 | exp<<12 | v>>(exp+3)&0xfff)
}

// encodeInterval is the inverse of decodeInterval, rounding down.
func encodeInterval(seconds time.Duration) uint8 {
	const most = 0x1f << 10
	v := uint32(min(seconds, most))
	if v < 0x80 {
		return uint8(v)
	}
	exp := uint32(0)
	for v>>(exp+3) > 0x1f {
		exp++
	}
	return uint8(0x80 | exp<<4 | v>>(exp+3)&0xf)
}

// Checksum returns the ICMPv6 checksum of the message b, whose own checksum
// field counts as zero (RFC 4443, section 2.3).
func Checksum(src, dst netip.Addr, b []byte) uint16 {
	s, d := src.As16(), dst.As16()
	const nextHeader = 58
	sum := sum16(s[:]) + sum16(d[:]) + uint64(len(b)) + nextHeader
	if len(b) >= 4 {
		sum += sum16(b[:2]) + sum16(b[4:])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// SetChecksum writes the checksum of the message b into it. It does nothing to a
// message without room for one.
func SetChecksum(src, dst netip.Addr, b []byte) {
	if len(b) >= 4 {
		binary.BigEndian.PutUint16(b[2:], Checksum(src, dst, b))
	}
}

func sum16(b []byte) (sum uint64) {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint64(b[0]) << 8
	}
	return sum
}
