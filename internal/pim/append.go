package pim

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Sizes in bytes.
const (
	headerSize  = 4
	unicastSize = 18 // an encoded unicast address
	groupSize   = 20 // an encoded group address, and an encoded source address
	// minTLV is the size of a hello option with an empty value.
	minTLV = 4
)

const (
	version     = 2 // version of PIM
	familyIPv6  = 2 // number of IPv6 in IANA's address families
	encodingRaw = 0
)

// The types of hello options (section 4.9.2).
const (
	optionHoldTime   = 1
	optionPruneDelay = 2
	optionDRPriority = 19
	optionGeneration = 20
	optionAddresses  = 24
)

var be = binary.BigEndian

// Append appends a message to dst. It leaves the checksum zero, so that SetChecksum fills
// it in. Times are rounded down to what the format can hold.
func Append(dst []byte, m Message) []byte {
	dst = append(dst, version<<4|byte(m.Type()), 0, 0, 0)
	return m.append(dst)
}

func (h *Hello) append(dst []byte) []byte {
	if h.HasHoldTime {
		dst = appendOption(dst, optionHoldTime, 2)
		dst = be.AppendUint16(dst, seconds(h.HoldTime))
	}
	if d := h.PruneDelay; d != nil {
		dst = appendOption(dst, optionPruneDelay, 4)
		dst = be.AppendUint16(dst, bit16(d.Tracking, 0x8000)|milliseconds(d.Propagation, 0x7fff))
		dst = be.AppendUint16(dst, milliseconds(d.Override, 0xffff))
	}
	if h.HasDRPriority {
		dst = appendOption(dst, optionDRPriority, 4)
		dst = be.AppendUint32(dst, h.DRPriority)
	}
	if h.HasGenerationID {
		dst = appendOption(dst, optionGeneration, 4)
		dst = be.AppendUint32(dst, h.GenerationID)
	}
	if len(h.Addresses) > 0 {
		dst = appendOption(dst, optionAddresses, unicastSize*len(h.Addresses))
		for _, a := range h.Addresses {
			dst = appendUnicast(dst, a)
		}
	}
	return dst
}

func appendOption(dst []byte, kind uint16, size int) []byte {
	dst = be.AppendUint16(dst, kind)
	return be.AppendUint16(dst, uint16(size))
}

func (r *Register) append(dst []byte) []byte {
	dst = be.AppendUint16(dst, bit16(r.Border, 0x8000)|bit16(r.Null, 0x4000))
	return append(append(dst, 0, 0), r.Packet...)
}

func (r *RegisterStop) append(dst []byte) []byte {
	return appendUnicast(r.Group.append(dst), r.Source)
}

func (j *JoinPrune) append(dst []byte) []byte {
	dst = appendUnicast(dst, j.Upstream)
	dst = append(dst, 0, byte(len(j.Groups)))
	dst = be.AppendUint16(dst, seconds(j.HoldTime))
	for i := range j.Groups {
		dst = j.Groups[i].append(dst)
	}
	return dst
}

func (r *GroupRecord) append(dst []byte) []byte {
	dst = r.Group.append(dst)
	dst = be.AppendUint16(dst, uint16(len(r.Joins)))
	dst = be.AppendUint16(dst, uint16(len(r.Prunes)))
	for _, list := range [...][]Source{r.Joins, r.Prunes} {
		for _, s := range list {
			dst = s.append(dst)
		}
	}
	return dst
}

func (m *Bootstrap) append(dst []byte) []byte {
	dst[len(dst)-headerSize+1] = byte(bit16(m.NoForward, 0x80))
	dst = be.AppendUint16(dst, m.FragmentTag)
	dst = append(dst, m.HashMaskLen, m.Priority)
	dst = appendUnicast(dst, m.BSR)
	for _, r := range m.Ranges {
		dst = r.Group.append(dst)
		dst = append(dst, r.Count, byte(len(r.RPs)), 0, 0)
		for _, rp := range r.RPs {
			dst = appendUnicast(dst, rp.RP)
			dst = be.AppendUint16(dst, seconds(rp.HoldTime))
			dst = append(dst, rp.Priority, 0)
		}
	}
	return dst
}

func (a *Assert) append(dst []byte) []byte {
	dst = appendUnicast(a.Group.append(dst), a.Source)
	preference := a.Metric.Preference & 0x7fffffff
	if a.Metric.RPT {
		preference |= 1 << 31
	}
	dst = be.AppendUint32(dst, preference)
	return be.AppendUint32(dst, a.Metric.Cost)
}

func (g GroupRange) append(dst []byte) []byte {
	dst = append(dst, familyIPv6, encodingRaw, byte(bit16(g.Bidir, 0x80)|bit16(g.Zone, 0x01)), byte(g.Bits()))
	return appendAddr(dst, g.Addr())
}

func (s Source) append(dst []byte) []byte {
	flags := bit16(s.Sparse, 0x04) | bit16(s.Wildcard, 0x02) | bit16(s.RPT, 0x01)
	dst = append(dst, familyIPv6, encodingRaw, byte(flags), byte(s.Bits()))
	return appendAddr(dst, s.Addr())
}

func appendUnicast(dst []byte, a netip.Addr) []byte {
	return appendAddr(append(dst, familyIPv6, encodingRaw), a)
}

// appendAddr appends the 16 bytes of an address. The zero Addr becomes ::.
func appendAddr(dst []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		a = netip.IPv6Unspecified()
	}
	b := a.As16()
	return append(dst, b[:]...)
}

func seconds(d time.Duration) uint16 { return uint16(min(max(d, 0)/time.Second, 0xffff)) }

func milliseconds(d time.Duration, most int64) uint16 {
	return uint16(min(max(d, 0).Milliseconds(), most))
}

func bit16(on bool, mask uint16) uint16 {
	if on {
		return mask
	}
	return 0
}
