package netif

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"tandem/internal/config"
)

// LACPSystem identifies a device in LACP (IEEE 802.1AX, 6.3.2). A switch puts ports into
// one aggregate only when they lead to one system.
type LACPSystem struct {
	Priority uint16 // 1..65535, the lower one wins
	System   [6]byte
}

// standbyPriority is the system priority of a leg in LACP standby: it is the worst one,
// so a partner that chooses between two systems takes that of the bond that serves.
const standbyPriority = 65535

// SharedSystem returns the LACP system that both devices of an E-Trunk present to the
// switch: the configured one, or one that both derive from data that they share, the
// E-Trunk's ID and its two addresses.
func SharedSystem(m *config.Model, t *config.ETrunk) LACPSystem {
	s := LACPSystem{Priority: max(m.LACPPriority, 1), System: m.LACPSystemID} // the kernel has no priority 0
	if s.System != [6]byte{} {
		return s
	}
	low, high := t.Local, t.Peer
	if high.Less(low) {
		low, high = high, low
	}
	sum := sha256.Sum256(slices.Concat([]byte("tandem LACP system"), []byte{byte(t.ID)}, low.AsSlice(), high.AsSlice()))
	s.System = [6]byte{0x02, sum[0], sum[1], sum[2], sum[3], sum[4]} // locally administered unicast
	return s
}

// OwnSystem returns a system identifier that no other device has.
func OwnSystem(deviceID uint64) [6]byte {
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], deviceID)
	return [6]byte{0x02, id[3], id[4], id[5], id[6], id[7]} // locally administered unicast
}
