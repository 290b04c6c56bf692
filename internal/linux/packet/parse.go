package packet

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// Message is a received MLD message.
type Message struct {
	Ifindex  int
	Src, Dst netip.Addr // without zone
	HopLimit int
	// RouterAlert says that the packet had a Router Alert option for MLD in a
	// hop-by-hop header (RFC 2711).
	RouterAlert bool
	// Unicast means that the frame was sent to the hardware address of this machine,
	// whatever Dst is.
	Unicast bool
	// Payload is the ICMPv6 message from its type on. It is valid until the next Read.
	Payload []byte
	// Err says what is wrong with the packet, nil if it is a message. If Err is set, only
	// Ifindex is valid besides it.
	Err error
}

// What may be wrong with a packet.
var (
	errTooLong  = errors.New("longer than an MLD message can be")
	errHeader   = errors.New("no IPv6 header of an MLD message")
	errLength   = errors.New("the packet ends before its payload length, or before its checksum")
	errHopByHop = errors.New("the hop-by-hop header is cut off, or has an option that must be known")
	errChecksum = errors.New("the ICMPv6 checksum is wrong")
)

// parse reads an IPv6 packet. It does the checks that the kernel does before it gives
// ICMPv6 to a raw socket: version, lengths, hop-by-hop options and checksum. unfinished
// says that the sender's network card has still to fill in the checksum; then the
// checksum is not checked. Bytes after the payload are padding. Package mld checks the
// rest of the message, such as its hop limit.
func (m *Message) parse(b []byte, unfinished bool) error {
	if len(b) < headerSize || b[0]>>4 != 6 {
		return errHeader
	}
	payload := b[headerSize:]
	size := int(binary.BigEndian.Uint16(b[4:]))
	if size > len(payload) {
		return errLength
	}
	payload = payload[:size]
	next := b[atNextHeader]
	if next == nextHopByHop {
		if len(payload) < 2 || hopByHopSize(payload) > len(payload) {
			return errHopByHop
		}
		var known bool
		options := payload[2:hopByHopSize(payload)]
		if m.RouterAlert, known = readOptions(options); !known {
			return errHopByHop
		}
		next, payload = payload[0], payload[2+len(options):]
	}
	switch {
	case next != nextICMPv6:
		return errHeader
	case len(payload) < 4:
		return errLength
	case !unfinished && !hasChecksum(b[8:headerSize], payload):
		return errChecksum
	}
	m.Src = netip.AddrFrom16([16]byte(b[8:]))
	m.Dst = netip.AddrFrom16([16]byte(b[24:]))
	m.HopLimit = int(b[7])
	m.Payload = payload
	return nil
}

// hopByHopSize returns the length in bytes of the hop-by-hop header at the start of b.
func hopByHopSize(b []byte) int { return (int(b[1]) + 1) * 8 }

// Hop-by-hop options (RFC 8200 section 4.2, RFC 2711 section 2.1).
const (
	optPad1        = 0
	optRouterAlert = 5
	optDiscard     = 0xc0 // bits of an option type: a node that does not know the option drops the packet
)

// readOptions looks for the Router Alert option with value 0, "datagram contains an MLD
// message", among hop-by-hop options. It returns ok false if an option is cut short, or is
// unknown and must not be ignored.
func readOptions(b []byte) (alert, ok bool) {
	for len(b) > 0 {
		if b[0] == optPad1 {
			b = b[1:]
			continue
		}
		if len(b) < 2 || 2+int(b[1]) > len(b) || b[0]&optDiscard != 0 {
			return false, false
		}
		size := 2 + int(b[1])
		if b[0] == optRouterAlert && size == 4 && b[2] == 0 && b[3] == 0 {
			alert = true
		}
		b = b[size:]
	}
	return alert, true
}

// hasChecksum verifies the checksum of an ICMPv6 message (RFC 4443 section 2.3, RFC 8200
// section 8.1). The addresses are source and destination.
func hasChecksum(addresses, message []byte) bool {
	sum := uint64(len(message)) + nextICMPv6 + sum(addresses) + sum(message)
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return sum == 0xffff
}

// sum adds b as numbers of 32 bits; the last one is padded with zeros. In ones' complement
// arithmetic this yields the same checksum as numbers of 16 bits.
func sum(b []byte) (sum uint64) {
	for ; len(b) >= 4; b = b[4:] {
		sum += uint64(binary.BigEndian.Uint32(b))
	}
	var last [4]byte
	copy(last[:], b)
	return sum + uint64(binary.BigEndian.Uint32(last[:]))
}
