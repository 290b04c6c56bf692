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

// The protocol versions that this release speaks.
const (
	version1   = 1
	version2   = 2 // BATCH in place of RECORDS, branches, and the two directions of a comparison one after the other
	minVersion = version1
	maxVersion = version2
)

// Optional features.
const (
	featureStatus   uint32 = 1 << 0 // the sender answers STATUS-REQUEST
	featureArriving uint32 = 1 << 1 // the sender reports which streams arrive, and wants such reports
)

// Hello is the content of HELLO, the first frame in either direction.
type Hello struct {
	MinVersion, MaxVersion uint16 // the versions that the sender speaks
	Features               uint32 // optional features: featureStatus, featureArriving
	Device, Boot           uint64 // the sender's device ID, and a number that it drew when it booted
	Clock                  Stamp  // the sender's clock
	Buckets                uint32 // 1..maxBuckets
	// Untold is the number of changes that the sender made while it had no connection to
	// the peer. It is 0 if the sender's release does not report it.
	Untold uint32
}

const (
	helloSize   = 40
	helloUntold = 44 // the size with the fields that version 2 has added
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

// appendAck appends an ACK frame: its sender has handled every RECORDS, BATCH and
// END-OF-SYNC frame up to and including this sequence number.
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

const (
	requestLast      = 1 << 0
	requestFixed     = 1 // flags of a BUCKET-REQUEST
	requestEntrySize = 6 // bucket and number of hashes in an entry
)

// errorCode says why a connection is being closed.
type errorCode uint16

// Error codes.
const (
	codeFormat   errorCode = 1 + iota // malformed frame
	codeProtocol                      // a frame or a value that is not allowed at this point
	codeVersion                       // no common version
	codeIdentity                      // both ends have the same device ID, or the peer's device ID differs from that in its hellos
	codeSilent                        // no byte received for the dead interval
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
