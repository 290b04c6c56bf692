package etrunk

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The hello on the wire; docs/protocol/etrunk.md specifies it byte by byte. All
// numbers are in network byte order.
const (
	// MaxPacket is the longest hello: what fits an IPv6 packet of the minimum MTU.
	MaxPacket = 1280 - 40 - 8

	version      = 1
	headerLen    = 84
	digestLen    = 32
	tlvHeaderLen = 4
	tlvMember    = 1
	memberLen    = 16
	// oldMemberLen is the length in an older release, which did not send a member's settings.
	oldMemberLen = 12
)

// magic opens every hello.
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

	memberCovers = 4 // the first bit of Covers
)

// Hello is one decoded hello. Parse reuses its memory.
type Hello struct {
	ETrunk uint32
	// PeerLost: the sender has declared the receiver lost.
	PeerLost bool
	// AckWanted: the receiver has not yet echoed Change, so an answer is due at once.
	AckWanted bool
	// Preferred: as far as the sender knows, the total order puts the sender first.
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
	// Sequence grows with every hello of an epoch.
	Sequence uint64
	// Challenge is the sender's challenge, never 0. Echo is the receiver's challenge, 0 if the
	// sender knows none.
	Challenge, Echo uint64
	// PeerEpoch is the epoch of the receiver that the sender believes in, 0 for none.
	PeerEpoch uint64
	// Change is the number of the content: it grows when the content changes. ChangeEcho is the
	// last Change that the sender has received from PeerEpoch.
	Change, ChangeEcho uint32
	// FailTime is the time without a hello after which the sender is lost, in whole ms.
	FailTime time.Duration
	Members  []HelloMember
	// LACP and Profiles are sent to be compared. A zero LACP was not sent.
	LACP     LACPSystem
	Profiles []Profile
}

// HelloMember is the part of a hello about one member.
type HelloMember struct {
	ID     uint32 // Eth-Trunk number at the sender
	Remote uint32 // its number at the receiver
	Mode   MemberMode
	Reason MemberReason
	// Held: the sender could be Master of the member, and leaves it to the receiver.
	Held         bool
	Work         WorkMode
	Announcement // without Seen, which follows from ChangeEcho
}

// PeekID returns the E-Trunk of a datagram, so that several E-Trunks can share a socket. The
// datagram is not verified yet.
func PeekID(b []byte) (uint32, error) {
	if err := checkFrame(b); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b[8:]), nil
}

// helloLen returns the length of a hello with the given numbers of members and profiles.
func helloLen(members, profiles int) int {
	return headerLen + (tlvHeaderLen + lacpLen) + members*(tlvHeaderLen+memberLen) + profiles*(tlvHeaderLen+profileLen) + digestLen
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

// appendBody appends all of a hello except the digest. The length field is zero.
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
	return h.appendSettings(dst)
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
	flags := bit(m.Up, memberUp) | bit(m.Ready, memberReady) | bit(m.Held, memberHeld) | byte(m.Covers&AllBuckets)<<memberCovers
	dst = append(dst, byte(m.Mode), byte(m.Role), byte(m.Reason), flags)
	dst = be.AppendUint16(dst, m.Key)
	return append(dst, byte(m.Work), 0)
}

// Parse verifies b with key and decodes it. Its errors are *DropError. The hello
// is undefined after an error.
func (h *Hello) Parse(b []byte, key *Key) error {
	if err := checkFrame(b); err != nil {
		return err
	}
	if got, want := b[5], wireAuthMode(key.mode); got != want {
		return drop(CauseBadAuthMode, "got %d, want %d", got, want)
	}
	if !key.verify(b) {
		return &DropError{Cause: CauseBadDigest}
	}
	return h.decode(b)
}

// checkFrame makes the checks that need no key: magic, version and lengths.
func checkFrame(b []byte) error {
	switch {
	case len(b) < headerLen+digestLen || len(b) > MaxPacket:
		return drop(CauseBadLength, "%d bytes", len(b))
	case [4]byte(b[:4]) != magic:
		return drop(CauseBadFormat, "magic % x", b[:4])
	case b[4] != version:
		return drop(CauseBadVersion, "got %d, want %d", b[4], version)
	case int(binary.BigEndian.Uint16(b[6:])) != len(b):
		return drop(CauseBadLength, "says %d bytes, has %d", binary.BigEndian.Uint16(b[6:]), len(b))
	}
	return nil
}

// decode decodes a verified hello.
func (h *Hello) decode(b []byte) error {
	be := binary.BigEndian
	flags := b[12]
	*h = Hello{
		ETrunk:       be.Uint32(b[8:]),
		PeerLost:     flags&flagPeerLost != 0,
		AckWanted:    flags&flagAckWanted != 0,
		Preferred:    flags&flagPreferred != 0,
		SequenceMode: flags&flagSequence != 0,
		Role:         DeviceRole(b[13]),
		Reason:       DeviceReason(b[14]),
		Priority:     b[15],
		SystemID:     SystemID(b[16:22]),
		DeviceID:     be.Uint64(b[24:]),
		Epoch:        be.Uint64(b[32:]),
		Sequence:     be.Uint64(b[40:]),
		Challenge:    be.Uint64(b[48:]),
		Echo:         be.Uint64(b[56:]),
		PeerEpoch:    be.Uint64(b[64:]),
		Change:       be.Uint32(b[72:]),
		ChangeEcho:   be.Uint32(b[76:]),
		FailTime:     time.Duration(be.Uint32(b[80:])) * time.Millisecond,
		Members:      h.Members[:0],
		Profiles:     h.Profiles[:0],
	}
	if err := h.check(); err != nil {
		return err
	}
	return h.decodeTLVs(b[headerLen : len(b)-digestLen])
}

func (h *Hello) check() error {
	switch {
	case h.Role > DeviceMaster:
		return drop(CauseBadFormat, "device role %d", h.Role)
	case h.Reason > ReasonPeerTimeout:
		return drop(CauseBadFormat, "device reason %d", h.Reason)
	case h.Priority < 1 || h.Priority > 254:
		return drop(CauseBadFormat, "priority %d", h.Priority)
	case h.Epoch == 0 || h.Challenge == 0:
		return drop(CauseBadFormat, "epoch or challenge is 0")
	}
	return nil
}

func (h *Hello) decodeTLVs(b []byte) error {
	for len(b) > 0 {
		if len(b) < tlvHeaderLen {
			return drop(CauseBadFormat, "%d bytes behind the last TLV", len(b))
		}
		kind, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if b = b[tlvHeaderLen:]; n > len(b) {
			return drop(CauseBadFormat, "TLV %d of %d bytes, %d left", kind, n, len(b))
		}
		if err := h.decodeTLV(kind, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// decodeTLV decodes a TLV. It ignores unknown ones, which come from a later release.
func (h *Hello) decodeTLV(kind uint16, v []byte) error {
	switch kind {
	case tlvMember:
		return h.decodeMember(v)
	case tlvLACP:
		return h.decodeLACP(v)
	case tlvProfile:
		return h.decodeProfile(v)
	}
	return nil
}

// decodeMember decodes a member. A longer value comes from a later release; the rest of it is
// ignored.
func (h *Hello) decodeMember(v []byte) error {
	if len(v) < oldMemberLen {
		return drop(CauseBadFormat, "member of %d bytes", len(v))
	}
	m := HelloMember{
		ID:     binary.BigEndian.Uint32(v),
		Remote: binary.BigEndian.Uint32(v[4:]),
		Mode:   MemberMode(v[8]),
		Reason: MemberReason(v[10]),
		Held:   v[11]&memberHeld != 0,
		Announcement: Announcement{
			Role:   MemberRole(v[9]),
			Up:     v[11]&memberUp != 0,
			Ready:  v[11]&memberReady != 0,
			Covers: Buckets(v[11]>>memberCovers) & AllBuckets,
		},
	}
	if len(v) >= memberLen {
		m.Key, m.Work = binary.BigEndian.Uint16(v[12:]), WorkMode(v[14])
	}
	if m.Mode > ForceBackup || m.Role > MemberMaster || m.Reason > ReasonPeerMemberUp {
		return drop(CauseBadFormat, "member %d: mode %d, role %d, reason %d", m.ID, m.Mode, m.Role, m.Reason)
	}
	h.Members = append(h.Members, m)
	return nil
}

func bit(on bool, mask byte) byte {
	if on {
		return mask
	}
	return 0
}
