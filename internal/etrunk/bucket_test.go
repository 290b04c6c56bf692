package etrunk

import (
	"fmt"
	"net/netip"
	"testing"
)

// kernelBucket1 are the numbers i in 1..64 for which Linux 6.18 put the group ff3e::8000:i
// into bucket 1, for the source 2001:db8:1::10. They were recorded from an nftables rule
// with HashSeed.
var kernelBucket1 = []int{1, 2, 7, 8, 11, 12, 14, 18, 19, 21, 22, 24, 28, 29, 30, 31, 32, 33, 35, 37, 40, 41, 43, 49, 51, 52, 54, 55, 57, 58, 61, 62}

func TestBucketOfIsTheKernelsHash(t *testing.T) {
	source := netip.MustParseAddr("2001:db8:1::10")
	want := map[int]bool{}
	for _, i := range kernelBucket1 {
		want[i] = true
	}
	for i := 1; i <= 64; i++ {
		group := netip.MustParseAddr(fmt.Sprintf("ff3e::8000:%x", i))
		if got := BucketOf(source, group) == 1; got != want[i] {
			t.Errorf("(%v, %v): in bucket 1: %v, the kernel says %v", source, group, got, want[i])
		}
	}
}

func TestBucketsAreEven(t *testing.T) {
	source, ones := netip.MustParseAddr("2001:db8::1"), 0
	const n = 10000
	for i := range n {
		group := netip.AddrFrom16([16]byte{0: 0xff, 1: 0x3e, 12: 0x80, 14: byte(i >> 8), 15: byte(i)})
		ones += BucketOf(source, group)
	}
	if ones < n*48/100 || ones > n*52/100 {
		t.Errorf("%d of %d groups in bucket 1", ones, n)
	}
}

func TestBuckets(t *testing.T) {
	for b, want := range map[Buckets]string{NoBuckets: "none", Bucket0: "0", Bucket1: "1", AllBuckets: "all"} {
		if b.String() != want {
			t.Errorf("%d is %q, want %q", b, b, want)
		}
		if b.Has(0) != (b&Bucket0 != 0) || b.Has(1) != (b&Bucket1 != 0) {
			t.Errorf("Has of %v", b)
		}
	}
}
