package rbs

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// maxBuckets is the highest number of buckets of a database.
const maxBuckets = 1 << 16

// hashSeed is 2^64 divided by the golden ratio; any odd constant would do.
const hashSeed = 0x9e3779b97f4a7c15

// KeyHash is the hash of a key. It decides the bucket of the record, and the hashes of
// all versions of the record derive from it.
type KeyHash uint64

// Bucket returns the bucket of the key, 0..n-1, in a database of n buckets.
func (h KeyHash) Bucket(n int) int {
	hi, _ := bits.Mul64(uint64(h), uint64(n))
	return int(hi)
}

// Version returns the hash of one version of the key's record. A device gives a version
// to one write only, so equal hashes mean equal content.
func (h KeyHash) Version(v Version) uint64 { return mix(mix(uint64(h)^uint64(v.Clock)) ^ v.Device) }

// BucketOf returns the bucket of a key, 0..n-1, in a database of n buckets.
func BucketOf(k Key, n int) int { return HashOf(k).Bucket(n) }

// Hash returns the hash of one version of a record.
func Hash(k Key, v Version) uint64 { return HashOf(k).Version(v) }

// HashOf returns the hash of a key.
func HashOf(k Key) KeyHash { return HashOfGroup(k).Host(k.Host) }

// GroupHash is the common part of the hashes of keys that differ only in the host.
type GroupHash uint64

// HashOfGroup returns the part of a key's hash that does not depend on the host.
func HashOfGroup(k Key) GroupHash {
	h := mix(hashSeed ^ (uint64(k.BackupID)<<32 | uint64(k.SubInterface)))
	return GroupHash(mixAddr(h, k.Group))
}

// Host returns the hash of the key with this host.
func (h GroupHash) Host(a netip.Addr) KeyHash { return KeyHash(mixAddr(uint64(h), a)) }

func mixAddr(h uint64, a netip.Addr) uint64 {
	b := a.As16()
	h = mix(h ^ binary.BigEndian.Uint64(b[:8]))
	return mix(h ^ binary.BigEndian.Uint64(b[8:]))
}

// mix is the finaliser of splitmix64, a bijection that spreads every bit.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
