package etrunk

import (
	"fmt"
	"net/netip"
	"time"
)

// DeviceRole is the result of the election between the two devices.
type DeviceRole uint8

// Device roles.
const (
	DeviceInit DeviceRole = iota
	DeviceBackup
	DeviceMaster
)

func (r DeviceRole) String() string { return [...]string{"Initialize", "Backup", "Master"}[r] }

// DeviceReason says why the device has its role.
type DeviceReason uint8

// Device reasons, in the display's words.
const (
	ReasonInit DeviceReason = iota
	ReasonPriority
	ReasonTimeout
	ReasonBFDDown
	ReasonPeerTimeout
)

func (r DeviceReason) String() string {
	return [...]string{"INIT", "PRI", "TIMEOUT", "BFD_DOWN", "PEER_TIMEOUT"}[r]
}

// MemberMode is the configured work mode of a member Eth-Trunk.
type MemberMode uint8

// Member modes.
const (
	Auto MemberMode = iota
	ForceMaster
	ForceBackup
)

func (m MemberMode) String() string { return [...]string{"auto", "force-master", "force-backup"}[m] }

// MemberRole is the role of a member Eth-Trunk.
type MemberRole uint8

// Member roles.
const (
	MemberBackup MemberRole = iota
	MemberMaster
)

func (r MemberRole) String() string { return [...]string{"Backup", "Master"}[r] }

// MemberReason says why a member has its role.
type MemberReason uint8

// Member reasons, in the display's words.
const (
	ReasonForceBackup MemberReason = iota
	ReasonForceMaster
	ReasonETrunkInit
	ReasonETrunkBackup
	ReasonETrunkMaster
	ReasonPeerMemberDown
	ReasonPeerMemberUp
)

func (r MemberReason) String() string {
	return [...]string{"FORCE_BACKUP", "FORCE_MASTER", "ETRUNK_INIT", "ETRUNK_BACKUP", "ETRUNK_MASTER",
		"PEER_MEMBER_DOWN", "PEER_MEMBER_UP"}[r]
}

// Buckets is the set of hash buckets of (S,G) that a device sends on a member. There are
// two buckets: bucket 0 belongs to the device that the election prefers, bucket 1 to the
// other.
type Buckets uint8

// The bucket sets.
const (
	NoBuckets  Buckets = 0
	Bucket0    Buckets = 1 << 0
	Bucket1    Buckets = 1 << 1
	AllBuckets         = Bucket0 | Bucket1
)

// SystemID decides the election between devices of equal priority. The lower one is better.
type SystemID [6]byte

func (s SystemID) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", s[0], s[1], s[2], s[3], s[4], s[5])
}

// BFDState is the state of the BFD session that is bound to the E-Trunk.
type BFDState uint8

// States of the bound session.
const (
	BFDUnbound BFDState = iota // no session is bound
	BFDPending                 // a session is bound, but it is AdminDown, or has not been Up since it was bound
	BFDUp
	BFDDown // the bound session was Up and is Down now
)

func (s BFDState) String() string { return [...]string{"", "Pending", "Up", "Down"}[s] }

// Announcement is what the hellos of a device say of one member. Target and Cover compute
// the duty from the announcements of both devices.
type Announcement struct {
	Up   bool // the leg has carrier and may send
	Role MemberRole
	// Ready says that the device could send every wanted (S,G) on this member now.
	Ready bool
	// Lack says why the member is not ready, for displays. The duty does not depend on
	// it.
	Lack Lack
	// Mute says that the device cannot send MLD messages on this member, so the other
	// device has to query.
	Mute bool
	// Covers is the set of buckets that the gate lets pass now on this member.
	Covers Buckets
	// Key is the operational LACP key, 0 without LACP. The duty does not depend on it.
	Key uint16
	// Seen is set in MemberState.Peer only: what the peer had received of the local
	// member's announcement when it sent its own. Cover uses it.
	Seen Seen
}

// Seen holds the fields of a local announcement that the peer has received and that
// Target uses. The zero value says that the peer has declared this device lost, or has
// not echoed its last change yet.
type Seen struct {
	Known, Up, Ready bool
	Role             MemberRole
}

// MemberState is a snapshot of one member.
type MemberState struct {
	ID, RemoteID uint32
	Mode         MemberMode
	Role         MemberRole
	Reason       MemberReason
	// Held says that the member leaves the leg to the peer's member until RevertLeft has
	// passed and the member is ready. RevertLeft is zero if the member only waits until
	// it is ready, and with `revert disable`.
	Held       bool
	RevertLeft time.Duration
	Local      Announcement
	// PeerKnown says that the peer is alive and has announced this member. Then Peer and
	// PeerMode hold the announcement.
	PeerKnown bool
	PeerMode  MemberMode
	Peer      Announcement
	// PeerReplicates says that the peer replicates for the member. ProfilesDiffer says
	// that both devices do, but have no backup ID in common.
	PeerReplicates, ProfilesDiffer bool
	// GivesBack says that the roles make the peer's member give the leg back to the local
	// member, if the peer's member serves now. Otherwise the two devices share the
	// streams by readiness.
	GivesBack bool
}

// State is a snapshot of one E-Trunk.
type State struct {
	ID          uint32
	Description string
	Priority    uint8
	SystemID    SystemID
	Local, Peer netip.Addr
	VPN         string
	Role        DeviceRole
	Reason      DeviceReason
	// Preferred says that the total order (priority, system ID, address) puts this device first.
	Preferred bool

	HelloInterval time.Duration
	FailTime      time.Duration
	RevertDelay   time.Duration
	Revertive     bool
	KeySet        bool
	AuthMode      AuthMode
	Sequence      bool
	BFDSession    string
	BFD           BFDState

	PeerAlive    bool
	PeerRole     DeviceRole
	PeerPriority uint8
	PeerSystemID SystemID
	PeerFailTime time.Duration
	PeerDeviceID uint64 // 0 before the first hello
	// PeerCertificate is the SHA-256 of the peer's certificate, all zero if the peer does not
	// send it.
	PeerCertificate [certificateLen]byte

	// Compared says that the settings have been compared with those of a peer, or that
	// the hellos of a peer are refused because of a setting. Then Differences lists the
	// settings that have to be corrected.
	Compared    bool
	Differences []Difference

	Counters Counters      // counts of all paths together
	Paths    []PathState   // the paths, the primary one first; empty while the addresses are missing
	Members  []MemberState // the members, sorted by ID
}
