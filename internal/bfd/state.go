package bfd

import (
	"net/netip"
	"time"
)

// State is a session state (RFC 5880, section 4.1).
type State uint8

// Session states with their wire values.
const (
	AdminDown State = iota
	Down
	Init
	Up
)

func (s State) String() string { return [...]string{"AdminDown", "Down", "Init", "Up"}[s&3] }

// Diagnostic says why a session last left the state Up (RFC 5880, section 4.1).
type Diagnostic uint8

// Diagnostics with their wire values.
const (
	DiagNone Diagnostic = iota
	DiagDetectionTimeExpired
	DiagEchoFailed
	DiagNeighborSignaledDown
	DiagForwardingPlaneReset
	DiagPathDown
	DiagConcatenatedPathDown
	DiagAdministrativelyDown
	DiagReverseConcatenatedPathDown
)

func (d Diagnostic) String() string {
	names := [...]string{"No Diagnostic", "Control Detection Time Expired", "Echo Function Failed",
		"Neighbor Signaled Session Down", "Forwarding Plane Reset", "Path Down", "Concatenated Path Down",
		"Administratively Down", "Reverse Concatenated Path Down"}
	if int(d) < len(names) {
		return names[d]
	}
	return "Reserved"
}

// Config is the configuration of a session. A session with an Interface is single hop (RFC
// 5881) and bound to that interface. Otherwise it is multihop (RFC 5883).
type Config struct {
	Name                string // 1..64 characters, unique on the device
	Peer, Local         netip.Addr
	VRF                 string // Linux VRF of the addresses, empty for none; VRFIndex is the index of the VRF
	VRFIndex            int
	Interface           string        // outgoing interface of a single-hop session, a Linux name
	TrackInterface      string        // a Linux name; the session goes Down when this interface does
	LocalDiscriminator  uint32        // 1..16384 if configured, higher if the device chooses it
	RemoteDiscriminator uint32        // 1..4294967295; zero accepts any discriminator of the peer
	MinTx, MinRx        time.Duration // 1 ms..20 s, zero is DefaultInterval
	DetectMult          uint8         // 1..255, zero is DefaultDetectMult
	Shutdown            bool
	// Adaptive lets the session slow down while this device is too late for its intervals.
	Adaptive bool
	TOSExp   uint8 // 0..7, the upper three bits of the traffic class
	// ProcessInterface makes the users of the session take Interface down when the
	// session goes Down.
	ProcessInterface bool
	// WaitToRestore is how long a session must be Up after a failure before the event Up
	// comes.
	WaitToRestore time.Duration
	// Auto and Dynamic are for displays. Auto says that the discriminators are not configured.
	// Dynamic says that the session is not configured by a command of its own.
	Auto, Dynamic bool
	Description   string
}

// SessionState is a snapshot of one session, for displays.
type SessionState struct {
	Config
	State            State
	RemoteState      State
	Diagnostic       Diagnostic    // why the session last left Up
	ActualTx         time.Duration // the negotiated interval, before jitter; zero while the session does not send
	ActualRx         time.Duration // the negotiated interval; zero, like DetectTime, while no packets come from the peer
	DetectTime       time.Duration
	RemoteMult       uint8
	Since            time.Duration // how long the session has been in State
	LastUp, LastDown time.Duration // how long ago the session became Up, and left Up; zero for never
	UpCount, Flaps   uint64
	Sent, Received   uint64
	NotUpReason      string
	RestoreIn        time.Duration // time until the event Up is emitted; zero if WaitToRestore does not delay it
	InterfaceMissing bool

	// ActualRemoteDiscriminator is the discriminator that the peer sends, zero while no
	// packets come from the peer.
	ActualRemoteDiscriminator uint32
	Polling                   bool          // a Poll Sequence is running
	LastHeard                 time.Duration // time since the last packet of the peer; zero while no packets come from the peer

	Slow      Slowdown
	SlowFor   time.Duration // how long ago the session left the configured intervals; zero if they are in force
	RetryIn   time.Duration // how long until the configured intervals are tried again; zero if they are in force
	Slowdowns uint64        // how often the session left the configured intervals
}
