package rbs

import (
	"encoding/binary"
	"fmt"
)

// FrameType tells frames apart. A receiver skips types that it does not know.
type FrameType uint8

// Frame types.
const (
	FrameHello FrameType = 1 + iota
	FrameKeepalive
	FrameDigests
	FrameBucketRequest
	FrameRecords
	FrameAck
	FrameEndOfSync
	FrameError
	FrameStatusRequest
	FrameStatus
	// Of protocol version 2.
	FrameBatch
	FrameBranchRequest
	FrameBranch
	FrameLeafRequest
)

func (t FrameType) String() string {
	names := [...]string{"", "HELLO", "KEEPALIVE", "DIGESTS", "BUCKET-REQUEST", "RECORDS", "ACK", "END-OF-SYNC", "ERROR",
		"STATUS-REQUEST", "STATUS", "BATCH", "BRANCH-REQUEST", "BRANCH", "LEAF-REQUEST"}
	if t == 0 || int(t) >= len(names) {
		return fmt.Sprintf("type %d", uint8(t))
	}
	return names[t]
}

// Sizes of frames, header included, in bytes.
const (
	HeaderSize = 4
	MaxFrame   = 1<<16 - 1
	// MaxChunk is the most that a service sends at once.
	MaxChunk = 1 << 16
)

// FormatError tells what is wrong with a frame.
type FormatError struct {
	Frame  FrameType
	Size   int    // of the frame's body, in bytes
	Detail string // what was expected and what came
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("rbs: malformed %v of %d bytes: %s", e.Frame, e.Size, e.Detail)
}

func malformed(t FrameType, body []byte, format string, args ...any) error {
	return &FormatError{Frame: t, Size: len(body), Detail: fmt.Sprintf(format, args...)}
}

// tooShort is the error for a body that ends before its fixed part does.
func tooShort(t FrameType, body []byte, want int) error {
	return malformed(t, body, "at least %d bytes expected", want)
}

// Frame is one frame as it stands in the stream; Body shares the stream's memory.
type Frame struct {
	Type FrameType
	Body []byte
}

// NextFrame splits the first frame off b and returns how many bytes it takes,
// 0 when b does not hold a whole frame yet. The error is a *FormatError.
func NextFrame(b []byte) (f Frame, n int, err error) {
	if len(b) < HeaderSize {
		return Frame{}, 0, nil
	}
	n, f.Type = int(binary.BigEndian.Uint16(b)), FrameType(b[2])
	if n < HeaderSize {
		return Frame{}, 0, malformed(f.Type, nil, "length field is %d, below the header's own", n)
	}
	if len(b) < n {
		return Frame{}, 0, nil
	}
	f.Body = b[HeaderSize:n:n]
	return f, n, nil
}

// beginFrame appends a header whose length endFrame fills in.
func beginFrame(dst []byte, t FrameType) []byte {
	return append(dst, 0, 0, byte(t), 0)
}

// endFrame completes the frame that begins at dst[start].
func endFrame(dst []byte, start int) []byte {
	binary.BigEndian.PutUint16(dst[start:], uint16(len(dst)-start))
	return dst
}
