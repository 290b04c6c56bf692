package etrunk

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// DefaultPort is the UDP port of the hellos.
const DefaultPort = 1025

// AuthMode says how the digest of a hello is computed from the security key.
type AuthMode uint8

// Authentication modes. Both ends must use the same one.
const (
	// EnhancedHMACSHA256 derives one key for each direction of each E-Trunk from the security
	// key (HKDF, RFC 5869). So a packet is valid in one direction of one E-Trunk only.
	EnhancedHMACSHA256 AuthMode = iota
	// HMACSHA256 uses the security key itself (RFC 2104).
	HMACSHA256
)

// String gives the mode as the authentication-mode command spells it.
func (m AuthMode) String() string {
	return [...]string{"enhanced-hmac-sha256", "hmac-sha256"}[m&1]
}

// Config is the configuration of one E-Trunk.
type Config struct {
	ID          uint32 // 1..4294967295, the same on both devices
	Description string
	Priority    uint8 // 1..254, lower is better
	SystemID    SystemID
	// Key is the security key. Without a key no hello is sent or accepted.
	Key           []byte
	AuthMode      AuthMode
	Local, Peer   netip.Addr
	VPN           string        // VPN instance of the addresses, for the caller's sockets
	Heartbeats    []Path        // further paths of the hellos besides the primary one, at most MaxHeartbeats
	HelloInterval time.Duration // 500 ms..10 s
	// Multiplier times HelloInterval is the fail time that this device advertises. Range
	// 3..300.
	Multiplier int
	// RevertDelay is how long an Auto member that returns leaves the leg to the peer's
	// member, 0..3600 s.
	RevertDelay time.Duration
	// RevertDisable says that such a member leaves the leg to the peer's member until
	// that one fails.
	RevertDisable bool
	// Sequence must be the same on both devices; the hellos carry it. Sequence numbers are
	// always sent and always checked, whatever its value.
	Sequence   bool
	BFDSession string // name of the bound BFD session, for displays
	DeviceID   uint64 // persistent; never the same on two devices
	Members    []MemberConfig
	// Certificate is the SHA-256 of the certificate by which the peer knows this device on
	// connections of remote backup services. All zero means none.
	Certificate [certificateLen]byte
	// LACP, Profiles and each member's Work are sent to the peer, which compares them
	// with its own.
	LACP     LACPSystem
	Profiles []Profile
}

// MemberConfig is one member Eth-Trunk.
type MemberConfig struct {
	ID uint32
	// RemoteID is the number of the Eth-Trunk on the peer, 0 if it is the same as ID.
	RemoteID uint32
	Mode     MemberMode
	Work     WorkMode
}

// remote is the number of the member on the peer.
func (m MemberConfig) remote() uint32 {
	if m.RemoteID != 0 {
		return m.RemoteID
	}
	return m.ID
}

// DefaultConfig returns the defaults of the E-Trunk commands.
func DefaultConfig() Config {
	return Config{
		Priority:      100,
		HelloInterval: time.Second,
		Multiplier:    20,
		RevertDelay:   120 * time.Second,
	}
}

// failTime returns the time without a hello after which the peer declares this device lost.
// Hellos carry it.
func (c Config) failTime() time.Duration {
	return time.Duration(c.Multiplier) * c.HelloInterval
}

// Validate returns an error for the first setting that is out of range. A missing key and
// missing addresses are valid: then the E-Trunk runs without a peer.
func (c Config) Validate() error {
	switch {
	case c.ID == 0:
		return fmt.Errorf("e-trunk: ID 0 is reserved")
	case c.Priority < 1 || c.Priority > 254:
		return fmt.Errorf("e-trunk %d: priority %d is not in 1..254", c.ID, c.Priority)
	case c.HelloInterval < 500*time.Millisecond || c.HelloInterval > 10*time.Second:
		return fmt.Errorf("e-trunk %d: hello interval %v is not in 500ms..10s", c.ID, c.HelloInterval)
	case c.Multiplier < 3 || c.Multiplier > 300:
		return fmt.Errorf("e-trunk %d: multiplier %d is not in 3..300", c.ID, c.Multiplier)
	case c.RevertDelay < 0 || c.RevertDelay > time.Hour:
		return fmt.Errorf("e-trunk %d: revert delay %v is not in 0..3600s", c.ID, c.RevertDelay)
	case c.AuthMode > HMACSHA256:
		return fmt.Errorf("e-trunk %d: unknown authentication mode %d", c.ID, c.AuthMode)
	case c.Local.IsValid() && c.Local == c.Peer:
		return fmt.Errorf("e-trunk %d: peer and source are both %v", c.ID, c.Peer)
	case len(c.Heartbeats) > MaxHeartbeats:
		return fmt.Errorf("e-trunk %d: %d heartbeat paths, at most %d can be", c.ID, len(c.Heartbeats), MaxHeartbeats)
	case helloLen(len(c.Members), len(c.Profiles)) > MaxPacket:
		return fmt.Errorf("e-trunk %d: %d members and %d remote backup profiles do not fit a hello", c.ID, len(c.Members), len(c.Profiles))
	}
	return cmp.Or(c.validatePaths(), c.validateMembers())
}

func (c Config) validatePaths() error {
	paths := c.Paths()
	for i, p := range paths {
		for _, q := range paths[:i] {
			if p.Clashes(q) {
				return fmt.Errorf("e-trunk %d: the paths %v and %v have an address in common", c.ID, q, p)
			}
		}
	}
	return nil
}

func (c Config) validateMembers() error {
	ids, remotes := map[uint32]bool{}, map[uint32]bool{}
	for _, m := range c.Members {
		switch {
		case m.Mode > ForceBackup:
			return fmt.Errorf("e-trunk %d: member %d: unknown mode %d", c.ID, m.ID, m.Mode)
		case ids[m.ID]:
			return fmt.Errorf("e-trunk %d: member %d is given twice", c.ID, m.ID)
		case remotes[m.remote()]:
			return fmt.Errorf("e-trunk %d: two members name remote Eth-Trunk %d", c.ID, m.remote())
		}
		ids[m.ID], remotes[m.remote()] = true, true
	}
	return nil
}

// sameSession reports whether a change from c to o leaves the proofs valid by which the
// two devices have shown that they are alive.
func (c Config) sameSession(o Config) bool {
	return c.ID == o.ID && c.Local == o.Local && c.Peer == o.Peer && c.AuthMode == o.AuthMode &&
		c.DeviceID == o.DeviceID && c.Sequence == o.Sequence && bytes.Equal(c.Key, o.Key)
}

// clone returns a copy that shares no memory with the caller's.
func (c Config) clone() Config {
	c.Key = bytes.Clone(c.Key)
	c.Heartbeats = slices.Clone(c.Heartbeats)
	c.Profiles = slices.Clone(c.Profiles)
	c.Members = slices.Clone(c.Members)
	slices.SortFunc(c.Members, func(a, b MemberConfig) int { return cmp.Compare(a.ID, b.ID) })
	return c
}
