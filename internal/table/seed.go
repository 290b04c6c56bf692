package table

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Seed is the key of the hashes. Because it is secret, hosts cannot choose addresses whose
// hashes collide.
type Seed [2]uint64

// NewSeed makes a seed from a number.
func NewSeed(n uint64) Seed {
	a := mix(n^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return Seed{a, mix(a^0xa0761d6478bd642f, n|1)}
}

// Addr hashes an address.
func (s Seed) Addr(a netip.Addr) uint64 {
	b := a.As16()
	return mix(binary.LittleEndian.Uint64(b[:8])^s[0], binary.LittleEndian.Uint64(b[8:])^s[1])
}

// Pair hashes two ids.
func (s Seed) Pair(a, b uint32) uint64 { return mix(uint64(a)<<32^uint64(b)^s[0], s[1]|1) }

// Addrs hashes a list of addresses.
func (s Seed) Addrs(list []netip.Addr) uint64 {
	h := uint64(len(list))
	for _, a := range list {
		h = mix(h^s[0], s.Addr(a)^s[1])
	}
	return h
}

// mix hashes two words: it combines the two halves of their 128-bit product with XOR and
// mixes the bits.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return mixFinal(hi ^ lo)
}

// mixFinal distributes the bits of a word to its high bits, which home uses.
func mixFinal(x uint64) uint64 {
	x ^= x >> 32
	x *= 0xe9846af9b1a615d
	x ^= x >> 29
	return x * 0x9e3779b97f4a7c15
}
