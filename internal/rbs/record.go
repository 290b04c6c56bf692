package rbs

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"
)

// Layout of one record in a RECORDS frame.
const (
	recordFixed   = 66 // the part before the sources
	recordsFixed  = 8  // sequence number, before the first record
	sourceSize    = 16
	recordExclude = 1 << 0
	recordV1      = 1 << 1
	recordDeleted = 1 << 2
)

// maxSources is how many sources one record can carry. The rest of a chunk is for the
// small frames before the record.
const maxSources = 4000

// recordSize is the size of rec on the wire.
func recordSize(rec *Record) int { return recordFixed + sourceSize*len(rec.Sources) }

// appendRecords appends a RECORDS frame without records; appendRecord adds to it.
func appendRecords(dst []byte, sequence uint64) []byte {
	return appendNumber(dst, frameRecords, sequence)
}

// appendRecord adds a record to the RECORDS frame that begins at frame[start] and is the
// last thing in frame. The caller ensures that the frame does not exceed maxFrame. Left
// is rounded up to the millisecond and limited to 0..49 days.
func appendRecord(frame []byte, start int, rec *Record) []byte {
	group, host := rec.Group.As16(), rec.Host.As16()
	frame = binary.BigEndian.AppendUint16(frame, uint16(recordSize(rec)))
	frame = append(frame, recordFlags(rec), 0)
	frame = binary.BigEndian.AppendUint32(frame, rec.BackupID)
	frame = binary.BigEndian.AppendUint32(frame, rec.SubInterface)
	frame = binary.BigEndian.AppendUint32(frame, leftMillis(rec.Left))
	frame = binary.BigEndian.AppendUint64(frame, uint64(rec.Version.Clock))
	frame = binary.BigEndian.AppendUint64(frame, rec.Version.Device)
	frame = append(frame, group[:]...)
	frame = append(frame, host[:]...)
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(rec.Sources)))
	for _, s := range rec.Sources {
		a := s.As16()
		frame = append(frame, a[:]...)
	}
	return endFrame(frame, start)
}

func recordFlags(rec *Record) (f byte) {
	if rec.Exclude {
		f |= recordExclude
	}
	if rec.V1 {
		f |= recordV1
	}
	if rec.Deleted {
		f |= recordDeleted
	}
	return f
}

func (rec *Record) setFlags(f byte) {
	rec.Exclude, rec.V1, rec.Deleted = f&recordExclude != 0, f&recordV1 != 0, f&recordDeleted != 0
}

func leftMillis(d time.Duration) uint32 {
	d = min(max(d, 0), math.MaxUint32*time.Millisecond)
	return uint32((d + time.Millisecond - 1) / time.Millisecond)
}

// records is a decoded RECORDS frame.
type records struct {
	Sequence uint64
	body     []byte
	rest     []byte
}

// parseRecords decodes the fixed part of a RECORDS frame's body. The result refers to the
// memory of body.
func parseRecords(body []byte) (records, error) {
	if len(body) < recordsFixed {
		return records{}, tooShort(frameRecords, body, recordsFixed)
	}
	return records{Sequence: binary.BigEndian.Uint64(body), body: body, rest: body[recordsFixed:]}, nil
}

// Next decodes the next record into rec and reuses the memory of rec.Sources. It returns
// false at the end of the frame, and on an error. After that r must not be used.
func (r *records) Next(rec *Record) (bool, error) {
	b := r.rest
	if len(b) == 0 {
		return false, nil
	}
	if len(b) < recordFixed {
		return false, malformed(frameRecords, r.body, "record of %d bytes, at least %d expected", len(b), recordFixed)
	}
	size, sources := int(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[64:]))
	if size > len(b) || size < recordFixed+sourceSize*sources {
		return false, malformed(frameRecords, r.body, "record of %d bytes with %d sources, %d bytes left", size, sources, len(b))
	}
	rec.BackupID = binary.BigEndian.Uint32(b[4:])
	rec.SubInterface = binary.BigEndian.Uint32(b[8:])
	rec.Left = time.Duration(binary.BigEndian.Uint32(b[12:])) * time.Millisecond
	rec.Version.Clock = Stamp(binary.BigEndian.Uint64(b[16:]))
	rec.Version.Device = binary.BigEndian.Uint64(b[24:])
	rec.Group = netip.AddrFrom16([16]byte(b[32:]))
	rec.Host = netip.AddrFrom16([16]byte(b[48:]))
	rec.setFlags(b[2])
	rec.Sources = rec.Sources[:0]
	for i := range sources {
		rec.Sources = append(rec.Sources, netip.AddrFrom16([16]byte(b[recordFixed+sourceSize*i:])))
	}
	r.rest = b[size:]
	err := rec.check(frameRecords, r.body)
	return err == nil, err
}

// check refuses values that no record can have.
func (rec *Record) check(t frameType, body []byte) error {
	switch {
	case !rec.Group.IsMulticast() || rec.Group.Is4In6():
		return malformed(t, body, "group %v is not an IPv6 multicast address", rec.Group)
	case rec.Host.IsMulticast():
		return malformed(t, body, "host %v is a multicast address", rec.Host)
	case rec.Version.Clock > maxStamp:
		return malformed(t, body, "clock %016x is out of range", uint64(rec.Version.Clock))
	}
	return nil
}
