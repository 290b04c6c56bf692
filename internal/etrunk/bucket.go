package etrunk

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// HashSeed is the seed of the hash that shares (S,G) between the devices. It is part of
// the protocol: with different hashes, some streams would be sent by neither device.
const HashSeed uint32 = 0x7a6d1e5f

// BucketOf returns the bucket of an IPv6 (S,G), 0 or 1. The result equals what nftables
// computes for
//
//	jhash ip6 saddr . ip6 daddr mod 2 seed HashSeed
//
// on a little-endian kernel. So the control plane and the gate in the kernel name the
// same sender.
func BucketOf(source, group netip.Addr) int {
	var key [32]byte
	s, g := source.As16(), group.As16()
	copy(key[:16], s[:])
	copy(key[16:], g[:])
	// The kernel scales the hash to the modulus by its high bits (reciprocal_scale).
	return int(uint64(jhash32(&key, HashSeed)) * 2 >> 32)
}

// bucketSet returns the bucket set that holds bucket n only.
func bucketSet(n int) Buckets { return Bucket0 << n }

// Has reports whether the set holds bucket n (see BucketOf).
func (b Buckets) Has(n int) bool { return b&bucketSet(n) != 0 }

func (b Buckets) String() string {
	switch b & AllBuckets {
	case NoBuckets:
		return "none"
	case Bucket0:
		return "0"
	case Bucket1:
		return "1"
	}
	return "all"
}

// jhash32 is Bob Jenkins's lookup3 hash of 32 bytes in the form of the kernel's
// jhash(): two blocks of twelve bytes, then a tail of eight.
func jhash32(key *[32]byte, seed uint32) uint32 {
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(key[4*i:]) }
	a := 0xdeadbeef + uint32(len(key)) + seed
	b, c := a, a
	a, b, c = jhashMix(a+word(0), b+word(1), c+word(2))
	a, b, c = jhashMix(a+word(3), b+word(4), c+word(5))
	return jhashFinal(a+word(6), b+word(7), c)
}

func jhashMix(a, b, c uint32) (uint32, uint32, uint32) {
	rol := bits.RotateLeft32
	a = (a - c) ^ rol(c, 4)
	c += b
	b = (b - a) ^ rol(a, 6)
	a += c
	c = (c - b) ^ rol(b, 8)
	b += a
	a = (a - c) ^ rol(c, 16)
	c += b
	b = (b - a) ^ rol(a, 19)
	a += c
	c = (c - b) ^ rol(b, 4)
	b += a
	return a, b, c
}

func jhashFinal(a, b, c uint32) uint32 {
	rol := bits.RotateLeft32
	c = (c ^ b) - rol(b, 14)
	a = (a ^ c) - rol(c, 11)
	b = (b ^ a) - rol(a, 25)
	c = (c ^ b) - rol(b, 16)
	a = (a ^ c) - rol(c, 4)
	b = (b ^ a) - rol(a, 14)
	return (c ^ b) - rol(b, 24)
}
