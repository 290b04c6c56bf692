package rbs

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// A BATCH carries records in blocks. A block begins with the part that its records, all
// of one group, have in common (protocol version 2). The sizes are in bytes.
const (
	blockFixed     = 34 // the common part of a block and its number of records
	blockCount     = 32 // offset of the number of records
	batchRecord    = 31 // a record without its sources
	maxBlockNumber = 1<<16 - 1
)

// batchWriter is an unfinished BATCH frame at the end of a chunk.
type batchWriter struct {
	start, block, records int // offsets of the frame and of its last block; number of records in that block
	key                   Key
	device                uint64
}

// begin appends a BATCH frame without records. b describes this frame from now on.
func (b *batchWriter) begin(dst []byte, sequence uint64) []byte {
	*b = batchWriter{start: len(dst)}
	return appendNumber(dst, frameBatch, sequence)
}

// continues reports whether a record can go into the last block.
func (b *batchWriter) continues(rec *Record) bool {
	return b.records > 0 && b.records < maxBlockNumber && rec.Version.Device == b.device && rec.Group == b.key.Group &&
		rec.SubInterface == b.key.SubInterface && rec.BackupID == b.key.BackupID
}

// size returns by how many bytes a record makes the frame longer.
func (b *batchWriter) size(rec *Record) int {
	n := batchRecord + sourceSize*len(rec.Sources)
	if !b.continues(rec) {
		n += blockFixed
	}
	return n
}

// add appends a record. The caller must not let the frame exceed maxFrame.
func (b *batchWriter) add(dst []byte, rec *Record) []byte {
	if !b.continues(rec) {
		b.block, b.records, b.key, b.device = len(dst), 0, rec.Key, rec.Version.Device
		group := rec.Group.As16()
		dst = binary.BigEndian.AppendUint32(dst, rec.BackupID)
		dst = binary.BigEndian.AppendUint32(dst, rec.SubInterface)
		dst = append(dst, group[:]...)
		dst = binary.BigEndian.AppendUint64(dst, rec.Version.Device)
		dst = append(dst, 0, 0)
	}
	b.records++
	binary.BigEndian.PutUint16(dst[b.block+blockCount:], uint16(b.records))
	host := rec.Host.As16()
	dst = append(dst, recordFlags(rec))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(rec.Sources)))
	dst = binary.BigEndian.AppendUint32(dst, leftMillis(rec.Left))
	dst = binary.BigEndian.AppendUint64(dst, uint64(rec.Version.Clock))
	dst = append(dst, host[:]...)
	for _, s := range rec.Sources {
		a := s.As16()
		dst = append(dst, a[:]...)
	}
	return endFrame(dst, b.start)
}

// parseBatch decodes the fixed part of a BATCH frame's body. The result refers to the
// memory of body.
func parseBatch(body []byte) (batch, error) {
	sequence, err := parseNumber(frameBatch, body)
	if err != nil {
		return batch{}, err
	}
	return batch{Sequence: sequence, body: body, rest: body[recordsFixed:]}, nil
}

// batch is a decoded BATCH frame.
type batch struct {
	Sequence   uint64
	body, rest []byte
	common     Record // the common part of the current block: the key without the host, and the device
	left       int    // records that are left in the current block
}

// Next decodes the next record into rec and reuses the memory of rec.Sources. It returns
// false at the end of the frame, and on an error. After that b must not be used.
func (b *batch) Next(rec *Record) (bool, error) {
	for b.left == 0 {
		if len(b.rest) == 0 {
			return false, nil
		}
		if err := b.open(); err != nil {
			return false, err
		}
	}
	p := b.rest
	if len(p) < batchRecord {
		return false, malformed(frameBatch, b.body, "record of %d bytes, at least %d expected", len(p), batchRecord)
	}
	size := batchRecord + sourceSize*int(binary.BigEndian.Uint16(p[1:]))
	if size > len(p) {
		return false, malformed(frameBatch, b.body, "record of %d bytes, %d left", size, len(p))
	}
	rec.Key, rec.Version.Device, rec.Sources = b.common.Key, b.common.Version.Device, rec.Sources[:0]
	rec.setFlags(p[0])
	rec.Left = time.Duration(binary.BigEndian.Uint32(p[3:])) * time.Millisecond
	rec.Version.Clock = Stamp(binary.BigEndian.Uint64(p[7:]))
	rec.Host = netip.AddrFrom16([16]byte(p[15:]))
	for s := p[batchRecord:size]; len(s) > 0; s = s[sourceSize:] {
		rec.Sources = append(rec.Sources, netip.AddrFrom16([16]byte(s)))
	}
	b.rest, b.left = p[size:], b.left-1
	err := rec.check(frameBatch, b.body)
	return err == nil, err
}

// open decodes the common part of the next block.
func (b *batch) open() error {
	p := b.rest
	if len(p) < blockFixed {
		return malformed(frameBatch, b.body, "block of %d bytes, at least %d expected", len(p), blockFixed)
	}
	b.common = Record{
		Key: Key{
			BackupID: binary.BigEndian.Uint32(p), SubInterface: binary.BigEndian.Uint32(p[4:]),
			Group: netip.AddrFrom16([16]byte(p[8:])),
		},
		Version: Version{Device: binary.BigEndian.Uint64(p[24:])},
	}
	b.left, b.rest = int(binary.BigEndian.Uint16(p[blockCount:])), p[blockFixed:]
	if b.left == 0 {
		return malformed(frameBatch, b.body, "block without records")
	}
	return nil
}
