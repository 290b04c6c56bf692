package etrunk

import (
	"encoding/binary"
	"time"
)

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

// decodeTLV decodes a TLV. It ignores unknown types, because they come from a later
// release.
func (h *Hello) decodeTLV(kind uint16, v []byte) error {
	switch kind {
	case tlvMember:
		return h.decodeMember(v)
	case tlvLACP:
		return h.decodeLACP(v)
	case tlvProfile:
		return h.decodeProfile(v)
	case tlvCertificate:
		return h.decodeCertificate(v)
	}
	return nil
}

// decodeMember decodes a member. If the value is longer than expected, it comes from a
// later release, and the rest is ignored.
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
			Mute:   v[11]&memberMute != 0,
			Covers: Buckets(v[11]>>memberCovers) & AllBuckets,
		},
	}
	if len(v) >= memberLen {
		m.Key, m.Work, m.Lack = binary.BigEndian.Uint16(v[12:]), WorkMode(v[14]), Lack(v[15])
	}
	if m.Mode > ForceBackup || m.Role > MemberMaster || m.Reason > ReasonPeerMemberUp {
		return drop(CauseBadFormat, "member %d: mode %d, role %d, reason %d", m.ID, m.Mode, m.Role, m.Reason)
	}
	h.Members = append(h.Members, m)
	return nil
}
