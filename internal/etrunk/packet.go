package etrunk

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The hello on the wire; docs/protocol/etrunk.md specifies it byte by byte. All
// numbers are in network byte order.
const (
	// MaxPacket is the longest hello, in bytes: the UDP payload of an IPv6 packet of the
	// minimum MTU.
	MaxPacket = 1280 - 40 - 8

	version      = 1
	headerLen    = 84
	digestLen    = 32
	tlvHeaderLen = 4
	tlvMember    = 1
	memberLen    = 16
	// oldMemberLen is the length of a member TLV of an older release, which did not send
	// a member's settings.
	oldMemberLen = 12
)

// magic is the beginning of every hello.
var magic = [4]byte{'T', 'E', 'T', 'K'}

// Bits of the flags byte of the header.
const (
	flagPeerLost = 1 << iota
	flagAckWanted
	flagPreferred
	flagSequence
)

// Bits of the flags byte of a member.
const (
	memberUp = 1 << iota
	memberReady
	memberHeld
	memberMute

	memberCovers = 4 // the first bit of Covers
)

// Hello is one decoded hello. Parse reuses its memory. The sender is the device that sent
// it, the receiver its peer.
type Hello struct {
	ETrunk uint32
	// PeerLost says that the sender has declared the receiver lost.
	PeerLost bool
	// AckWanted says that the receiver has not echoed Change yet, so it has to answer at
	// once.
	AckWanted bool
	// Preferred says that, to the sender's knowledge, the total order puts the sender
	// first.
	Preferred bool
	// SequenceMode is the setting of `sequence enable`.
	SequenceMode bool
	Role         DeviceRole
	Reason       DeviceReason
	Priority     uint8
	SystemID     SystemID
	DeviceID     uint64
	// Epoch is a random number that the sender draws at every start, never 0.
	Epoch uint64
	// Sequence increases with every hello of an epoch.
	Sequence uint64
	// Challenge is the sender's challenge, never 0. Echo is the receiver's challenge, 0 if the
	// sender knows none.
	Challenge, Echo uint64
	// PeerEpoch is the epoch of the receiver whose hellos the sender accepts, 0 for none.
	PeerEpoch uint64
	// Change is the number of the content: it increases when the content changes.
	// ChangeEcho is the last Change that the sender has received from PeerEpoch.
	Change, ChangeEcho uint32
	// FailTime is the time without a hello after which the sender is lost, in whole ms.
	FailTime time.Duration
	Members  []HelloMember
	// Certificate is the SHA-256 of the certificate that the sender shows on connections of
	// remote backup services. All zero means that the sender does not send it.
	Certificate [certificateLen]byte
	// LACP and Profiles are for comparison only. A zero LACP means that the sender does
	// not send it.
	LACP     LACPSystem
	Profiles []Profile
}

// HelloMember is the part of a hello about one member.
type HelloMember struct {
	ID     uint32 // Eth-Trunk number at the sender
	Remote uint32 // number of the same Eth-Trunk at the receiver
	Mode   MemberMode
	Reason MemberReason
	// Held says that the sender could be Master of the member, and leaves it to the
	// receiver.
	Held         bool
	Work         WorkMode
	Announcement // without Seen, which the receiver derives from ChangeEcho
}

// PeekID returns the E-Trunk ID of a datagram that has not been verified yet, so that
// several E-Trunks can share a socket.
func PeekID(b []byte) (uint32, error) {
	if err := checkFrame(b); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b[8:]), nil
}

// helloLen returns the length of a hello with the given numbers of members and profiles, and
// with a certificate.
func helloLen(members, profiles int) int {
	return headerLen + (tlvHeaderLen + lacpLen) + members*(tlvHeaderLen+memberLen) + profiles*(tlvHeaderLen+profileLen) +
		(tlvHeaderLen + certificateLen) + digestLen
}

// Append appends the hello, authenticated by key, to dst. It fails when the
// hello would be longer than MaxPacket.
func (h *Hello) Append(dst []byte, key *Key) ([]byte, error) {
	if n := helloLen(len(h.Members), len(h.Profiles)); n > MaxPacket {
		return dst, fmt.Errorf("etrunk: a hello of %d bytes, at most %d can be sent", n, MaxPacket)
	}
	start := len(dst)
	dst = h.appendBody(dst, key.mode)
	total := len(dst) - start + digestLen
	binary.BigEndian.PutUint16(dst[start+6:], uint16(total))
	return key.appendDigest(dst, dst[start:]), nil
}

// appendBody appends all of a hello except the digest. It leaves the length field zero.
func (h *Hello) appendBody(dst []byte, mode AuthMode) []byte {
	be := binary.BigEndian
	dst = append(dst, magic[:]...)
	dst = append(dst, version, wireAuthMode(mode), 0, 0)
	dst = be.AppendUint32(dst, h.ETrunk)
	dst = append(dst, h.flags(), byte(h.Role), byte(h.Reason), h.Priority)
	dst = append(dst, h.SystemID[:]...)
	dst = append(dst, 0, 0)
	for _, v := range [...]uint64{h.DeviceID, h.Epoch, h.Sequence, h.Challenge, h.Echo, h.PeerEpoch} {
		dst = be.AppendUint64(dst, v)
	}
	for _, v := range [...]uint32{h.Change, h.ChangeEcho, uint32(h.FailTime / time.Millisecond)} {
		dst = be.AppendUint32(dst, v)
	}
	for i := range h.Members {
		dst = h.Members[i].append(dst)
	}
	return h.appendCertificate(h.appendSettings(dst))
}

func (h *Hello) flags() byte {
	return bit(h.PeerLost, flagPeerLost) | bit(h.AckWanted, flagAckWanted) |
		bit(h.Preferred, flagPreferred) | bit(h.SequenceMode, flagSequence)
}

func (m *HelloMember) append(dst []byte) []byte {
	be := binary.BigEndian
	dst = be.AppendUint16(dst, tlvMember)
	dst = be.AppendUint16(dst, memberLen)
	dst = be.AppendUint32(dst, m.ID)
	dst = be.AppendUint32(dst, m.Remote)
	flags := bit(m.Up, memberUp) | bit(m.Ready, memberReady) | bit(m.Held, memberHeld) | bit(m.Mute, memberMute) |
		byte(m.Covers&AllBuckets)<<memberCovers
	dst = append(dst, byte(m.Mode), byte(m.Role), byte(m.Reason), flags)
	dst = be.AppendUint16(dst, m.Key)
	return append(dst, byte(m.Work), byte(m.Lack))
}

func bit(on bool, mask byte) byte {
	if on {
		return mask
	}
	return 0
}
