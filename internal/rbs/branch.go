package rbs

import "encoding/binary"

// A bucket with many records is compared leaf by leaf, its branch, so that a
// difference costs what differs and not what the bucket holds (protocol
// version 2). Leaves are numbered over the whole database, as buckets are. They
// are compared by 32 bits, salted anew in each comparison: two that are taken for
// equal by chance are not the next time.

// Leaves is the number of leaves of a bucket, where it has any.
const Leaves = 256

// What a leaf holds, where no digest tells it.
const (
	leafEmpty      uint32 = iota // nothing
	leafTombstones               // tombstones only
	leafDigest                   // the lowest digest
)

// fold shortens a digest or a hash.
func fold(d, salt uint64) uint32 { return uint32(mix(d^salt) >> 32) }

// branchable reports whether a database of this many buckets has branches.
func branchable(buckets int) bool { return buckets*Leaves <= maxBuckets }

// leafValue is what a leaf is compared by.
func leafValue(l Leaf, salt uint64) uint32 {
	switch {
	case l.Live > 0:
		return max(leafDigest, fold(l.Digest, salt))
	case l.Kept > 0:
		return leafTombstones
	}
	return leafEmpty
}

// sameLeaf reports whether nothing need be asked of the peer's leaf.
func sameLeaf(ours, peer uint32) bool {
	return peer == ours || peer == leafEmpty || peer == leafTombstones && ours == leafEmpty
}

// appendBranchRequest appends a BRANCH-REQUEST frame: the leaves of these buckets are asked for.
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

// leafRequest asks for the records of a leaf but those that are held already.
type leafRequest struct {
	Leaf uint16
	Held []uint32 // their hashes, folded; none to be sent everything
}

const (
	leafRequestFixed = 8 // salt
	leafEntrySize    = 3 // leaf, number of hashes
	maxLeafHeld      = 255
)

func (r leafRequest) size() int { return leafEntrySize + 4*len(r.Held) }

// appendLeafRequest appends a LEAF-REQUEST frame. The caller sees to it that it
// does not exceed maxFrame, and that no leaf has more than 255 hashes.
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
