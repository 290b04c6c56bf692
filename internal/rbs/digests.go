package rbs

import (
	"encoding/binary"
)

// digests is a decoded DIGESTS frame: the digests of the buckets from First on.
type digests struct {
	First  uint32
	values []byte
}

// maxDigests is how many digests fit into a frame.
const maxDigests = (maxFrame - headerSize - 4) / 8

// appendDigests appends a DIGESTS frame for the buckets from first on, at most 8190 of them.
func appendDigests(dst []byte, first uint32, digests []uint64) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(beginFrame(dst, frameDigests), first)
	for _, d := range digests {
		dst = binary.BigEndian.AppendUint64(dst, d)
	}
	return endFrame(dst, start)
}

// parseDigests decodes the body of a DIGESTS frame. The result refers to the memory of
// body.
func parseDigests(body []byte) (digests, error) {
	if len(body) < 12 || (len(body)-4)%8 != 0 {
		return digests{}, malformed(frameDigests, body, "4 bytes and a positive multiple of 8 expected")
	}
	d := digests{First: binary.BigEndian.Uint32(body), values: body[4:]}
	if uint64(d.First)+uint64(d.Len()) > maxBuckets {
		return digests{}, malformed(frameDigests, body, "bucket %d is out of range", uint64(d.First)+uint64(d.Len())-1)
	}
	return d, nil
}

// Len is the number of digests.
func (d digests) Len() int { return len(d.values) / 8 }

// At returns the digest of bucket First+i.
func (d digests) At(i int) uint64 { return binary.BigEndian.Uint64(d.values[8*i:]) }

// bucketRequest is a decoded BUCKET-REQUEST frame: a list of buckets whose records its
// sender requests, with the hashes of the records that it has already.
type bucketRequest struct {
	// Last marks the last request of a comparison. Its sender has found all buckets equal
	// that it has not requested by then.
	Last    bool
	entries []byte
}

// appendBucketRequest appends a BUCKET-REQUEST frame without entries and
// returns it; appendRequestEntry adds to it.
func appendBucketRequest(dst []byte, last bool) []byte {
	start := len(dst)
	dst = append(beginFrame(dst, frameBucketRequest), 0)
	if last {
		dst[start+headerSize] |= requestLast
	}
	return endFrame(dst, start)
}

// appendRequestEntry adds a bucket to the BUCKET-REQUEST frame that begins at
// frame[start] and is the last thing in frame. held are the hashes of the records that
// the requester has already; without hashes, it receives all records. The caller ensures
// that the frame does not exceed maxFrame.
func appendRequestEntry(frame []byte, start int, bucket uint32, held []uint64) []byte {
	frame = binary.BigEndian.AppendUint32(frame, bucket)
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(held)))
	for _, h := range held {
		frame = binary.BigEndian.AppendUint64(frame, h)
	}
	return endFrame(frame, start)
}

// parseBucketRequest decodes the body of a BUCKET-REQUEST frame. The result refers to the
// memory of body.
func parseBucketRequest(body []byte) (bucketRequest, error) {
	if len(body) < requestFixed {
		return bucketRequest{}, tooShort(frameBucketRequest, body, requestFixed)
	}
	r := bucketRequest{Last: body[0]&requestLast != 0, entries: body[requestFixed:]}
	for rest := r.entries; len(rest) > 0; {
		if len(rest) < requestEntrySize {
			return bucketRequest{}, malformed(frameBucketRequest, body, "entry of %d bytes", len(rest))
		}
		if b := binary.BigEndian.Uint32(rest); b >= maxBuckets {
			return bucketRequest{}, malformed(frameBucketRequest, body, "bucket %d is out of range", b)
		}
		size := requestEntrySize + 8*int(binary.BigEndian.Uint16(rest[4:]))
		if size > len(rest) {
			return bucketRequest{}, malformed(frameBucketRequest, body, "entry of %d bytes, %d left", size, len(rest))
		}
		rest = rest[size:]
	}
	return r, nil
}

// Next removes the first entry from r and appends its hashes to held[:0]; ok is false
// when no entry is left.
func (r *bucketRequest) Next(held []uint64) (bucket uint32, hashes []uint64, ok bool) {
	if len(r.entries) == 0 {
		return 0, nil, false
	}
	bucket = binary.BigEndian.Uint32(r.entries)
	n := int(binary.BigEndian.Uint16(r.entries[4:]))
	hashes = held[:0]
	for i := range n {
		hashes = append(hashes, binary.BigEndian.Uint64(r.entries[requestEntrySize+8*i:]))
	}
	r.entries = r.entries[requestEntrySize+8*n:]
	return bucket, hashes, true
}
