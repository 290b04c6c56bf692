package rbs

import "encoding/binary"

// A bucket with many records is compared leaf by leaf (protocol version 2). Its branch
// holds the values of its leaves. So the cost of a difference depends on the number of
// records that differ, and not on the size of the bucket. Leaves are numbered over the
// whole database, as buckets are. A value has 32 bits and depends on a random salt, which
// is new in each comparison. So two different leaves that have the same value by chance
// in one comparison almost never have it in the next one.

// Leaves is the number of leaves of a bucket, if the database has leaves.
const Leaves = 256

// Values of leaves. All higher values are digests of 32 bits.
const (
	leafEmpty      uint32 = iota // no record
	leafTombstones               // tombstones only
	leafDigest                   // the lowest digest
)

// fold shortens a digest or a hash to 32 bits.
func fold(d, salt uint64) uint32 { return uint32(mix(d^salt) >> 32) }

// branchable reports whether a database with this number of buckets is compared by
// leaves, too.
func branchable(buckets int) bool { return buckets*Leaves <= maxBuckets }

// leafValue returns the value by which a leaf is compared.
func leafValue(l Leaf, salt uint64) uint32 {
	switch {
	case l.Live > 0:
		return max(leafDigest, fold(l.Digest, salt))
	case l.Kept > 0:
		return leafTombstones
	}
	return leafEmpty
}

// sameLeaf reports whether the two values show that this end needs no record of the
// peer's leaf.
func sameLeaf(ours, peer uint32) bool {
	return peer == ours || peer == leafEmpty || peer == leafTombstones && ours == leafEmpty
}

// appendBranchRequest appends a BRANCH-REQUEST frame, which asks for the branches of buckets.
func appendBranchRequest(dst []byte, salt uint64, buckets []uint32) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(beginFrame(dst, frameBranchRequest), salt)
	for _, b := range buckets {
		dst = binary.BigEndian.AppendUint32(dst, b)
	}
	return endFrame(dst, start)
}

// parseBranchRequest decodes the body of a BRANCH-REQUEST frame.
func parseBranchRequest(body []byte) (salt uint64, buckets []uint32, err error) {
	if len(body) < 12 || len(body)%4 != 0 {
		return 0, nil, malformed(frameBranchRequest, body, "8 bytes and a positive multiple of 4 expected")
	}
	for b := body[8:]; len(b) > 0; b = b[4:] {
		buckets = append(buckets, binary.BigEndian.Uint32(b))
	}
	return binary.BigEndian.Uint64(body), buckets, nil
}

const branchSize = 4 + 4*Leaves

// appendBranch appends a BRANCH frame with the values of a bucket's leaves.
func appendBranch(dst []byte, bucket uint32, values *[Leaves]uint32) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(beginFrame(dst, frameBranch), bucket)
	for _, v := range values {
		dst = binary.BigEndian.AppendUint32(dst, v)
	}
	return endFrame(dst, start)
}

// parseBranch decodes the body of a BRANCH frame.
func parseBranch(body []byte) (bucket uint32, values [Leaves]uint32, err error) {
	if len(body) < branchSize {
		return 0, values, tooShort(frameBranch, body, branchSize)
	}
	for i := range values {
		values[i] = binary.BigEndian.Uint32(body[4+4*i:])
	}
	return binary.BigEndian.Uint32(body), values, nil
}

// leafRequest asks for the records of a leaf, without those that the sender has.
type leafRequest struct {
	Leaf uint16
	Held []uint32 // folded hashes of the records that the sender has; empty to request all records
}

const (
	leafRequestFixed = 8 // size of the salt
	leafEntrySize    = 3 // size of an entry: leaf and number of hashes
	maxLeafHeld      = 255
)

func (r leafRequest) size() int { return leafEntrySize + 4*len(r.Held) }

// appendLeafRequest appends a LEAF-REQUEST frame. The caller ensures that the frame does
// not exceed maxFrame, and that no leaf has more than 255 hashes.
func appendLeafRequest(dst []byte, salt uint64, requests []leafRequest) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(beginFrame(dst, frameLeafRequest), salt)
	for _, r := range requests {
		dst = append(binary.BigEndian.AppendUint16(dst, r.Leaf), byte(len(r.Held)))
		for _, h := range r.Held {
			dst = binary.BigEndian.AppendUint32(dst, h)
		}
	}
	return endFrame(dst, start)
}

// parseLeafRequest decodes the body of a LEAF-REQUEST frame.
func parseLeafRequest(body []byte) (salt uint64, requests []leafRequest, err error) {
	if len(body) < leafRequestFixed+leafEntrySize {
		return 0, nil, tooShort(frameLeafRequest, body, leafRequestFixed+leafEntrySize)
	}
	for b := body[leafRequestFixed:]; len(b) > 0; {
		if len(b) < leafEntrySize {
			return 0, nil, malformed(frameLeafRequest, body, "entry of %d bytes", len(b))
		}
		r := leafRequest{Leaf: binary.BigEndian.Uint16(b)}
		size := leafEntrySize + 4*int(b[2])
		if size > len(b) {
			return 0, nil, malformed(frameLeafRequest, body, "entry of %d bytes, %d left", size, len(b))
		}
		for h := b[leafEntrySize:size]; len(h) > 0; h = h[4:] {
			r.Held = append(r.Held, binary.BigEndian.Uint32(h))
		}
		requests = append(requests, r)
		b = b[size:]
	}
	return binary.BigEndian.Uint64(body), requests, nil
}
