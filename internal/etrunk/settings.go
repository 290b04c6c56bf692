package etrunk

import "encoding/binary"

// A hello carries settings of its sender, so that the receiver can report those that
// differ. No decision depends on them.

const (
	tlvLACP    = 2
	lacpLen    = 8
	tlvProfile = 3
	profileLen = 12
)

// LACPSystem is the LACP system that a device presents to the switch on its member
// Eth-Trunks.
type LACPSystem struct {
	ID       SystemID
	Priority uint16 // priority, 1..65535
}

// WorkMode says how the ports of a member Eth-Trunk are aggregated.
type WorkMode uint8

// Work modes.
const (
	WorkUnknown WorkMode = iota // not configured on this device, or not sent by the peer
	WorkManual
	WorkLACP
)

func (m WorkMode) String() string {
	if m > WorkLACP {
		return "unknown"
	}
	return [...]string{"unknown", "manual", "lacp-static"}[m]
}

// Profile is a remote backup profile that is bound to a member, so that it has the
// member's role.
type Profile struct {
	Member   uint32 // number of the Eth-Trunk at the device that owns the profile
	BackupID uint32
	Hot      bool // set by `peer-backup hot`
	MLD      bool // set by `service-type mld`
}

const (
	profileHot = 1 << 0 // bit of the flags
	serviceMLD = 1 << 0 // bit of the service types
)

func (h *Hello) appendSettings(dst []byte) []byte {
	be := binary.BigEndian
	dst = be.AppendUint16(dst, tlvLACP)
	dst = be.AppendUint16(dst, lacpLen)
	dst = append(dst, h.LACP.ID[:]...)
	dst = be.AppendUint16(dst, h.LACP.Priority)
	for _, p := range h.Profiles {
		dst = be.AppendUint16(dst, tlvProfile)
		dst = be.AppendUint16(dst, profileLen)
		dst = be.AppendUint32(dst, p.Member)
		dst = be.AppendUint32(dst, p.BackupID)
		dst = append(dst, bit(p.Hot, profileHot), bit(p.MLD, serviceMLD), 0, 0)
	}
	return dst
}

func (h *Hello) decodeLACP(v []byte) error {
	if len(v) < lacpLen {
		return drop(CauseBadFormat, "LACP system of %d bytes", len(v))
	}
	h.LACP = LACPSystem{SystemID(v[:6]), binary.BigEndian.Uint16(v[6:])}
	return nil
}

func (h *Hello) decodeProfile(v []byte) error {
	if len(v) < profileLen {
		return drop(CauseBadFormat, "profile of %d bytes", len(v))
	}
	h.Profiles = append(h.Profiles, Profile{
		Member:   binary.BigEndian.Uint32(v),
		BackupID: binary.BigEndian.Uint32(v[4:]),
		Hot:      v[8]&profileHot != 0,
		MLD:      v[9]&serviceMLD != 0,
	})
	return nil
}
