package rbs

import (
	"encoding/binary"
	"math/bits"
)

// MaxBuckets is the highest number of buckets a database can be compared in.
const MaxBuckets = 1 << 16

// hashSeed is 2^64 divided by the golden ratio; any odd constant would do.
const hashSeed = 0x9e3779b97f4a7c15

// BucketOf returns the bucket, 0..n-1, that a key belongs to.
func BucketOf(k Key, n int) int { return bucketOf(hashKey(k), n) }

// BucketAndHash returns what BucketOf and Hash do.
func BucketAndHash(k Key, v Version, n int) (bucket int, hash uint64) {
	key := hashKey(k)
	return bucketOf(key, n), hashVersion(key, v)
}

func bucketOf(key uint64, n int) int {
	hi, _ := bits.Mul64(key, uint64(n))
	return int(hi)
}

// Hash returns the digest of one version of one record. A version is written
// once, so it stands for the content.
func Hash(k Key, v Version) uint64 { return hashVersion(hashKey(k), v) }

func hashVersion(key uint64, v Version) uint64 { return mix(mix(key^uint64(v.Clock)) ^ v.Device) }

func hashKey(k Key) uint64 {
	group, host := k.Group.As16(), k.Host.As16()
	h := mix(hashSeed ^ (uint64(k.BackupID)<<32 | uint64(k.SubInterface)))
	h = mix(h ^ binary.BigEndian.Uint64(group[:8]))
	h = mix(h ^ binary.BigEndian.Uint64(group[8:]))
	h = mix(h ^ binary.BigEndian.Uint64(host[:8]))
	return mix(h ^ binary.BigEndian.Uint64(host[8:]))
}

// mix is the finaliser of splitmix64, a bijection that spreads every bit.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
