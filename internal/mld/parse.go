package mld

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Sizes in bytes, ICMPv6 header included.
const (
	v1Size           = 24
	queryHeaderSize  = 28
	reportHeaderSize = 8
	recordHeaderSize = 20
	addrSize         = 16
)

// ParseError says why a message was refused.
type ParseError struct {
	Type  Type
	Field string // the part that is wrong, for example "length"
	Have  int
	Want  int // the smallest valid value of Have, 0 where this does not apply
}

// Error implements error.
func (e *ParseError) Error() string {
	if e.Want == 0 {
		return fmt.Sprintf("mld: %v: bad %s %d", e.Type, e.Field, e.Have)
	}
	return fmt.Sprintf("mld: %v: %s %d, want at least %d", e.Type, e.Field, e.Have, e.Want)
}

// Parse decodes an ICMPv6 message, which begins with its type. The checksum must have been
// verified. Parse uses the memory of p again and keeps no reference to b. It skips trailing
// data and auxiliary data, as RFC 9777, section 5, demands. It keeps records of unknown
// type, which the caller has to skip. An error is a *ParseError; then p is empty.
func (p *Packet) Parse(b []byte) error {
	*p = Packet{Records: p.Records[:0], addrs: p.addrs[:0]}
	if len(b) == 0 {
		return &ParseError{Field: "length", Have: 0, Want: v1Size}
	}
	p.Type = Type(b[0])
	// A message has no more addresses than fit into it, so this allocates once at most.
	p.addrs = slices.Grow(p.addrs, len(b)/addrSize)
	var err error
	switch p.Type {
	case TypeQuery:
		err = p.parseQuery(b)
	case TypeReportV1, TypeDone:
		err = p.parseV1(b)
	case TypeReportV2:
		err = p.parseReport(b)
	default:
		err = &ParseError{Type: p.Type, Field: "type", Have: int(b[0])}
	}
	if err != nil {
		*p = Packet{Records: p.Records[:0], addrs: p.addrs[:0]}
	}
	return err
}

func (p *Packet) parseV1(b []byte) error {
	if len(b) < v1Size {
		return &ParseError{Type: p.Type, Field: "length", Have: len(b), Want: v1Size}
	}
	p.Version = 1
	p.MaxResponse = time.Duration(binary.BigEndian.Uint16(b[4:])) * time.Millisecond
	p.Group = addrAt(b[8:])
	return nil
}

// parseQuery decodes a query. It finds the version by the length (RFC 9777, section 8.1).
func (p *Packet) parseQuery(b []byte) error {
	if len(b) == v1Size {
		return p.parseV1(b)
	}
	if len(b) < queryHeaderSize {
		return &ParseError{Type: p.Type, Field: "length", Have: len(b), Want: queryHeaderSize}
	}
	n := int(binary.BigEndian.Uint16(b[26:]))
	if want := queryHeaderSize + n*addrSize; len(b) < want {
		return &ParseError{Type: p.Type, Field: "length", Have: len(b), Want: want}
	}
	p.Version = 2
	p.MaxResponse = time.Duration(decodeResponse(binary.BigEndian.Uint16(b[4:]))) * time.Millisecond
	p.Group = addrAt(b[8:])
	p.Suppress = b[24]&0x08 != 0
	p.Robustness = int(b[24] & 0x07)
	p.QueryInterval = time.Duration(decodeInterval(b[25])) * time.Second
	p.Sources = p.takeAddrs(b[queryHeaderSize:], n)
	return nil
}

func (p *Packet) parseReport(b []byte) error {
	if len(b) < reportHeaderSize {
		return &ParseError{Type: p.Type, Field: "length", Have: len(b), Want: reportHeaderSize}
	}
	p.Version = 2
	n := int(binary.BigEndian.Uint16(b[6:]))
	b = b[reportHeaderSize:]
	for range n {
		if len(b) < recordHeaderSize {
			return &ParseError{Type: p.Type, Field: "record length", Have: len(b), Want: recordHeaderSize}
		}
		sources := int(binary.BigEndian.Uint16(b[2:]))
		size := recordHeaderSize + sources*addrSize + 4*int(b[1])
		if len(b) < size {
			return &ParseError{Type: p.Type, Field: "record length", Have: len(b), Want: size}
		}
		p.Records = append(p.Records, GroupRecord{
			Type:    RecordType(b[0]),
			Group:   addrAt(b[4:]),
			Sources: p.takeAddrs(b[recordHeaderSize:], sources),
		})
		b = b[size:]
	}
	return nil
}

// takeAddrs decodes n addresses into the packet's own memory.
func (p *Packet) takeAddrs(b []byte, n int) []netip.Addr {
	if n == 0 {
		return nil
	}
	start := len(p.addrs)
	for i := range n {
		p.addrs = append(p.addrs, addrAt(b[i*addrSize:]))
	}
	return p.addrs[start:len(p.addrs):len(p.addrs)]
}

func addrAt(b []byte) netip.Addr { return netip.AddrFrom16([addrSize]byte(b[:addrSize])) }

// decodeResponse turns a Maximum Response Code into milliseconds (section 5.1.3).
func decodeResponse(code uint16) uint32 {
	if code < 0x8000 {
		return uint32(code)
	}
	exp, mant := code>>12&0x7, uint32(code&0xfff)
	return (mant | 0x1000) << (exp + 3)
}

// decodeInterval turns a Querier's Query Interval Code into seconds (section 5.1.9).
func decodeInterval(code uint8) uint32 {
	if code < 0x80 {
		return uint32(code)
	}
	exp, mant := code>>4&0x7, uint32(code&0xf)
	return (mant | 0x10) << (exp + 3)
}
