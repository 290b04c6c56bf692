package rbs

import "encoding/binary"

// A bucket with many records is compared leaf by leaf. Its branch holds the values of its
// leaves. So the cost of a difference depends on what differs, and not on the size of the
// bucket (protocol version 2). Leaves are numbered over the whole database, as buckets are.
// Values have 32 bits and depend on a salt, which each comparison draws. So two different
// leaves may have the same value in one comparison, but hardly in the next one.

// Leaves is the number of leaves of a bucket, where it has any.
const Leaves = 256

// Values of leaves. Higher values are digests.
const (
	leafEmpty      uint32 = iota // nothing
	leafTombstones               // tombstones only
	leafDigest                   // the lowest digest
)

// fold shortens a digest or a hash to 32 bits.
func fold(d, salt uint64) uint32 { return uint32(mix(d^salt) >> 32) }

// branchable reports whether a database of this many buckets has branches.
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

// sameLeaf reports whether the values show that the peer's leaf has nothing to ask for.
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
	Held []uint32 // folded hashes of the records that the sender has; none to ask for all records
}

const (
	leafRequestFixed = 8 // salt
	leafEntrySize    = 3 // leaf, number of hashes
	maxLeafHeld      = 255
)

func (r leafRequest) size() int { return leafEntrySize + 4*len(r.Held) }

// appendLeafRequest appends a LEAF-REQUEST frame. It must not exceed maxFrame, and no leaf
// may have more than 255 hashes; the caller ensures both.
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
