package pim

import "net/netip"

// registerCovered is the length of the part of a Register that its checksum covers; the
// packet inside is not covered.
const registerCovered = headerSize + 4

// Checksum returns the checksum of the message b, whose own checksum field counts as zero. It
// covers the IPv6 pseudo header (section 4.9).
func Checksum(src, dst netip.Addr, b []byte) uint16 {
	if len(b) > registerCovered && Type(b[0]&0x0f) == TypeRegister {
		b = b[:registerCovered]
	}
	s, d := src.As16(), dst.As16()
	sum := sum16(s[:]) + sum16(d[:]) + uint64(len(b)) + Protocol
	if len(b) >= headerSize {
		sum += sum16(b[:2]) + sum16(b[headerSize:])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// ChecksumRight reports whether the checksum of the message b is right.
func ChecksumRight(src, dst netip.Addr, b []byte) bool {
	return len(b) >= headerSize && be.Uint16(b[2:]) == Checksum(src, dst, b)
}

// SetChecksum writes the checksum of the message b into it. It does nothing to a message
// without room for one.
func SetChecksum(src, dst netip.Addr, b []byte) {
	if len(b) >= headerSize {
		be.PutUint16(b[2:], Checksum(src, dst, b))
	}
}

func sum16(b []byte) (sum uint64) {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint64(be.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint64(b[0]) << 8
	}
	return sum
}
