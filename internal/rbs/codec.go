package rbs

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// The wire format is big-endian throughout. Fixed parts may grow at their end
// in later releases, so a parser ignores what follows the part it knows.

// magic opens every HELLO.
const magic uint32 = 0x54524253 // "TRBS"

// Protocol versions this release speaks.
const (
	version1   = 1
	version2   = 2 // BATCH in place of RECORDS, branches, one direction after the other
	minVersion = version1
	maxVersion = version2
)

// Optional features.
const (
	featureStatus   uint32 = 1 << 0 // the sender answers STATUS-REQUEST
	featureArriving uint32 = 1 << 1 // the sender tells which streams arrive, and wants to be told
)

// Hello is the first frame in either direction.
type Hello struct {
	MinVersion, MaxVersion uint16 // the versions that the sender speaks
	Features               uint32 // optional features: featureStatus, featureArriving
	Device, Boot           uint64 // who sends, and a number drawn at its boot
	Clock                  Stamp  // the sender's clock
	Buckets                uint32 // 1..maxBuckets
	// Untold counts the changes that the sender could not tell a peer of; 0 also where
	// an older release does not say.
	Untold uint32
}

const (
	helloSize   = 40
	helloUntold = 44 // with what version 2 has added
)

// AppendHello appends a HELLO frame.
func AppendHello(dst []byte, h Hello) []byte {
	start := len(dst)
	dst = beginFrame(dst, frameHello)
	dst = binary.BigEndian.AppendUint32(dst, magic)
	dst = binary.BigEndian.AppendUint16(dst, h.MinVersion)
	dst = binary.BigEndian.AppendUint16(dst, h.MaxVersion)
	dst = binary.BigEndian.AppendUint32(dst, h.Features)
	dst = binary.BigEndian.AppendUint32(dst, h.Buckets)
	dst = binary.BigEndian.AppendUint64(dst, h.Device)
	dst = binary.BigEndian.AppendUint64(dst, h.Boot)
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.Clock))
	dst = binary.BigEndian.AppendUint32(dst, h.Untold)
	return endFrame(dst, start)
}

// parseHello decodes the body of a HELLO frame.
func parseHello(body []byte) (h Hello, err error) {
	if len(body) < helloSize {
		return Hello{}, tooShort(frameHello, body, helloSize)
	}
	if m := binary.BigEndian.Uint32(body); m != magic {
		return Hello{}, malformed(frameHello, body, "magic is %08x, want %08x", m, magic)
	}
	h = Hello{
		MinVersion: binary.BigEndian.Uint16(body[4:]),
		MaxVersion: binary.BigEndian.Uint16(body[6:]),
		Features:   binary.BigEndian.Uint32(body[8:]),
		Buckets:    binary.BigEndian.Uint32(body[12:]),
		Device:     binary.BigEndian.Uint64(body[16:]),
		Boot:       binary.BigEndian.Uint64(body[24:]),
		Clock:      Stamp(binary.BigEndian.Uint64(body[32:])),
	}
	if len(body) >= helloUntold {
		h.Untold = binary.BigEndian.Uint32(body[helloSize:])
	}
	switch {
	case h.MinVersion > h.MaxVersion:
		return Hello{}, malformed(frameHello, body, "versions %d..%d", h.MinVersion, h.MaxVersion)
	case h.Buckets == 0 || h.Buckets > maxBuckets:
		return Hello{}, malformed(frameHello, body, "%d buckets, want 1..%d", h.Buckets, maxBuckets)
	case h.Clock > maxStamp:
		return Hello{}, malformed(frameHello, body, "clock %016x is out of range", uint64(h.Clock))
	}
	return h, nil
}

// appendKeepalive appends a KEEPALIVE frame: the digest of the sender's whole database.
func appendKeepalive(dst []byte, digest uint64) []byte {
	return appendNumber(dst, frameKeepalive, digest)
}

// parseKeepalive decodes the body of a KEEPALIVE frame.
func parseKeepalive(body []byte) (digest uint64, err error) {
	return parseNumber(frameKeepalive, body)
}

// appendAck appends an ACK frame: every RECORDS and END-OF-SYNC frame up to
// and including this sequence number has been taken in.
func appendAck(dst []byte, sequence uint64) []byte {
	return appendNumber(dst, frameAck, sequence)
}

// parseAck decodes the body of an ACK frame.
func parseAck(body []byte) (sequence uint64, err error) {
	return parseNumber(frameAck, body)
}

// appendEndOfSync appends an END-OF-SYNC frame with its sequence number.
func appendEndOfSync(dst []byte, sequence uint64) []byte {
	return appendNumber(dst, frameEndOfSync, sequence)
}

// parseEndOfSync decodes the body of an END-OF-SYNC frame.
func parseEndOfSync(body []byte) (sequence uint64, err error) {
	return parseNumber(frameEndOfSync, body)
}

func appendNumber(dst []byte, t frameType, v uint64) []byte {
	start := len(dst)
	return endFrame(binary.BigEndian.AppendUint64(beginFrame(dst, t), v), start)
}

func parseNumber(t frameType, body []byte) (uint64, error) {
	if len(body) < 8 {
		return 0, tooShort(t, body, 8)
	}
	return binary.BigEndian.Uint64(body), nil
}

// digests is a decoded DIGESTS frame: the digests of the buckets from First on.
type digests struct {
	First  uint32
	values []byte
}

// maxDigests is how many digests fit a frame.
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

// parseDigests decodes the body of a DIGESTS frame; the result shares its memory.
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

// bucketRequest is a decoded BUCKET-REQUEST frame: a list of buckets whose
// records the sender wants, and what it holds of them already.
type bucketRequest struct {
	// Last marks the last request of a comparison. Buckets that were not
	// requested by then are equal.
	Last    bool
	entries []byte
}

const (
	requestLast      = 1 << 0
	requestFixed     = 1 // flags
	requestEntrySize = 6 // bucket, number of hashes
)

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
// frame[start] and is the last thing in frame. held are the hashes of the
// records that the requester has already, none to be sent everything. The
// caller sees to it that the frame does not exceed maxFrame.
func appendRequestEntry(frame []byte, start int, bucket uint32, held []uint64) []byte {
	frame = binary.BigEndian.AppendUint32(frame, bucket)
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(held)))
	for _, h := range held {
		frame = binary.BigEndian.AppendUint64(frame, h)
	}
	return endFrame(frame, start)
}

// parseBucketRequest decodes the body of a BUCKET-REQUEST frame; the result shares its memory.
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

// Next takes the first entry off r and appends its hashes to held[:0]; ok is
// false when there is none left.
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

// errorCode says why a connection is being closed.
type errorCode uint16

// Error codes.
const (
	codeFormat   errorCode = 1 + iota // malformed frame
	codeProtocol                      // frame or value that is not allowed there
	codeVersion                       // no common version
	codeIdentity                      // both ends have the same device ID
	codeSilent                        // nothing heard for the dead interval
	codeReplaced                      // a newer connection took over
	codeClosing                       // the service is being removed, changed or stopped
)

func (c errorCode) String() string {
	names := [...]string{"", "format", "protocol", "version", "identity", "silent", "replaced", "closing"}
	if c == 0 || int(c) >= len(names) {
		return fmt.Sprintf("code %d", uint16(c))
	}
	return names[c]
}

// maxErrorText bounds the text of an ERROR frame, in bytes.
const maxErrorText = 256

// errorBytes returns an ERROR frame. Text is cut to 256 bytes.
func errorBytes(code errorCode, text string) []byte {
	b := binary.BigEndian.AppendUint16(beginFrame(nil, frameError), uint16(code))
	return endFrame(append(b, cutText(text)...), 0)
}

// parseError decodes the body of an ERROR frame.
func parseError(body []byte) (errorCode, string, error) {
	if len(body) < 2 {
		return 0, "", tooShort(frameError, body, 2)
	}
	text := string(body[2:min(len(body), 2+maxErrorText)])
	if !utf8.ValidString(text) {
		text = cutText(fmt.Sprintf("%q", text))
	}
	return errorCode(binary.BigEndian.Uint16(body)), text, nil
}

// cutText shortens s to maxErrorText bytes without cutting a character in two.
func cutText(s string) string {
	if len(s) <= maxErrorText {
		return s
	}
	n := maxErrorText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
