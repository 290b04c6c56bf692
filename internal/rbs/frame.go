package rbs

import (
	"encoding/binary"
	"fmt"
)

// frameType is the type of a frame. A receiver skips types that it does not know.
type frameType uint8

// Frame types.
const (
	frameHello frameType = 1 + iota
	frameKeepalive
	frameDigests
	frameBucketRequest
	frameRecords
	frameAck
	frameEndOfSync
	frameError
	frameStatusRequest
	frameStatus
	// Frames that protocol version 2 has added.
	frameBatch
	frameBranchRequest
	frameBranch
	frameLeafRequest
	// The frame of featureArriving.
	frameArriving
)

func (t frameType) String() string {
	names := [...]string{"", "HELLO", "KEEPALIVE", "DIGESTS", "BUCKET-REQUEST", "RECORDS", "ACK", "END-OF-SYNC", "ERROR",
		"STATUS-REQUEST", "STATUS", "BATCH", "BRANCH-REQUEST", "BRANCH", "LEAF-REQUEST", "ARRIVING"}
	if t == 0 || int(t) >= len(names) {
		return fmt.Sprintf("type %d", uint8(t))
	}
	return names[t]
}

// Sizes of frames, header included, in bytes.
const (
	headerSize = 4
	maxFrame   = 1<<16 - 1
	// maxChunk is the most that a service sends at once.
	maxChunk = 1 << 16
)

// formatError says what is wrong with a frame.
type formatError struct {
	Frame  frameType
	Size   int    // of the frame's body, in bytes
	Detail string // what was expected and what came
}

func (e *formatError) Error() string {
	return fmt.Sprintf("rbs: malformed %v of %d bytes: %s", e.Frame, e.Size, e.Detail)
}

func malformed(t frameType, body []byte, format string, args ...any) error {
	return &formatError{Frame: t, Size: len(body), Detail: fmt.Sprintf(format, args...)}
}

// tooShort is the error for a body that ends before its fixed part does.
func tooShort(t frameType, body []byte, want int) error {
	return malformed(t, body, "at least %d bytes expected", want)
}

// frame is one frame in the received stream. Body refers to the stream's memory.
type frame struct {
	Type frameType
	Body []byte
}

// nextFrame splits the first frame off b and returns how many bytes it takes,
// 0 when b does not hold a whole frame yet. The error is a *formatError.
func nextFrame(b []byte) (f frame, n int, err error) {
	if len(b) < headerSize {
		return frame{}, 0, nil
	}
	n, f.Type = int(binary.BigEndian.Uint16(b)), frameType(b[2])
	if n < headerSize {
		return frame{}, 0, malformed(f.Type, nil, "length field is %d, below the header's own", n)
	}
	if len(b) < n {
		return frame{}, 0, nil
	}
	f.Body = b[headerSize:n:n]
	return f, n, nil
}

// beginFrame appends a header whose length endFrame fills in.
func beginFrame(dst []byte, t frameType) []byte {
	return append(dst, 0, 0, byte(t), 0)
}

// endFrame completes the frame that begins at dst[start].
func endFrame(dst []byte, start int) []byte {
	binary.BigEndian.PutUint16(dst[start:], uint16(len(dst)-start))
	return dst
}
