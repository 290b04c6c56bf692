package bfd

import (
	"encoding/binary"
	"time"
)

// UDP ports of control packets (RFC 5881, section 4; RFC 5883, section 5).
const (
	SingleHopPort = 3784
	MultihopPort  = 4784
)

// PacketLen is the length of a control packet without authentication, in octets.
const PacketLen = 24

// version is the protocol version sent and accepted.
const version = 1

// Packet is one control packet (RFC 5880, section 4.1). Intervals are whole
// microseconds, at most 4294.967295 s.
type Packet struct {
	Diagnostic              Diagnostic
	State                   State
	Poll, Final             bool
	ControlPlaneIndependent bool
	Authenticated           bool // an authentication section follows the fixed part
	Demand                  bool
	Multipoint              bool
	DetectMult              uint8
	MyDiscriminator         uint32
	YourDiscriminator       uint32
	DesiredMinTx            time.Duration
	RequiredMinRx           time.Duration
	RequiredMinEchoRx       time.Duration
}

// Flag bits of the second octet, below the two bits of the state.
const (
	flagPoll = 1 << (5 - iota)
	flagFinal
	flagControlPlaneIndependent
	flagAuthenticated
	flagDemand
	flagMultipoint
)

// Parse decodes b, and makes the checks of RFC 5880, section 6.8.6, that need no session. It
// ignores octets after the length that the packet states. An error is a DropCause; then p is
// undefined.
func (p *Packet) Parse(b []byte) error {
	if len(b) < PacketLen {
		return DropShort
	}
	if b[0]>>5 != version {
		return DropVersion
	}
	flags, length := b[1], int(b[3])
	shortest := PacketLen
	if flags&flagAuthenticated != 0 {
		shortest += 2 // at least the type and the length of the section
	}
	if length < shortest || length > len(b) {
		return DropLength
	}
	*p = Packet{
		Diagnostic:              Diagnostic(b[0] & 0x1f),
		State:                   State(flags >> 6),
		Poll:                    flags&flagPoll != 0,
		Final:                   flags&flagFinal != 0,
		ControlPlaneIndependent: flags&flagControlPlaneIndependent != 0,
		Authenticated:           flags&flagAuthenticated != 0,
		Demand:                  flags&flagDemand != 0,
		Multipoint:              flags&flagMultipoint != 0,
		DetectMult:              b[2],
		MyDiscriminator:         binary.BigEndian.Uint32(b[4:]),
		YourDiscriminator:       binary.BigEndian.Uint32(b[8:]),
		DesiredMinTx:            microseconds(b[12:]),
		RequiredMinRx:           microseconds(b[16:]),
		RequiredMinEchoRx:       microseconds(b[20:]),
	}
	return p.check()
}

func (p *Packet) check() error {
	switch {
	case p.DetectMult == 0:
		return DropDetectMult
	case p.Multipoint:
		return DropMultipoint
	case p.MyDiscriminator == 0:
		return DropMyDiscriminator
	case p.YourDiscriminator == 0 && p.State != Down && p.State != AdminDown:
		return DropYourDiscriminator
	}
	return nil
}

// Append appends the encoded packet to dst. It never sets the authentication flag, because it
// sends no authentication section. An interval that exceeds its field becomes the largest
// value of the field.
func (p *Packet) Append(dst []byte) []byte {
	dst = append(dst,
		version<<5|byte(p.Diagnostic)&0x1f,
		byte(p.State)<<6|p.flags(),
		p.DetectMult,
		PacketLen)
	dst = binary.BigEndian.AppendUint32(dst, p.MyDiscriminator)
	dst = binary.BigEndian.AppendUint32(dst, p.YourDiscriminator)
	dst = appendMicroseconds(dst, p.DesiredMinTx)
	dst = appendMicroseconds(dst, p.RequiredMinRx)
	return appendMicroseconds(dst, p.RequiredMinEchoRx)
}

func (p *Packet) flags() (f byte) {
	for _, bit := range [...]struct {
		on   bool
		mask byte
	}{
		{p.Poll, flagPoll},
		{p.Final, flagFinal},
		{p.ControlPlaneIndependent, flagControlPlaneIndependent},
		{p.Demand, flagDemand},
		{p.Multipoint, flagMultipoint},
	} {
		if bit.on {
			f |= bit.mask
		}
	}
	return f
}

func microseconds(b []byte) time.Duration {
	return time.Duration(binary.BigEndian.Uint32(b)) * time.Microsecond
}

func appendMicroseconds(dst []byte, d time.Duration) []byte {
	us := min(max(d/time.Microsecond, 0), 1<<32-1)
	return binary.BigEndian.AppendUint32(dst, uint32(us))
}
