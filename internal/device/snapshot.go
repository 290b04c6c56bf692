package device

import (
	"net/netip"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/proof"
	"tandem/internal/rbs"
)

// Snapshot is a copy of what the displays and the metrics show of a device. Its slices
// are sorted. It has no groups; callers request these one by one.
type Snapshot struct {
	At         time.Time
	Now        instant.Time // the same moment as the monotonic time of the core
	DeviceID   uint64
	Uptime     time.Duration
	Interfaces []InterfaceSnapshot
	ETrunks    []etrunk.State
	Members    []MemberSnapshot // members of all E-Trunks
	Services   []rbs.State
	Sessions   []proof.Standing  // the standing of the BFD session of each E-Trunk
	Proofs     []ProofSnapshot   // the proofs of the upstream interface, then those of each member
	Streams    []StreamsSnapshot // one for each service
	Profiles   []ProfileSnapshot
	Counters   Counters
	Entries    int    // number of entries in the forwarding table
	Silent     uint64 // entries dropped because no packet came for KeepAlive
}

// InterfaceSnapshot is one multicast interface.
type InterfaceSnapshot struct {
	Name     string // as configured, in canonical form
	Netdev   string // the Linux name, empty while the interface does not exist
	Up       bool
	Lacks    proof.Lack     // the reason why the interface cannot work although it is up
	Ability  proof.Standing // whether the interface can do its work, and since when
	Upstream bool
	// MLD holds, for an upstream interface, only its address and its counters.
	MLD mld.InterfaceState
	// The following fields are set for downstream interfaces only.
	Profile string
	Duty    Duty
	Deaf    proof.Witness // the evidence that no messages of hosts arrive on the interface
	// DeafSince is when the first query was sent that no host has answered, Never if the
	// interface is not deaf.
	DeafSince instant.Time
}

// MemberSnapshot is the state of one member Eth-Trunk on this device.
type MemberSnapshot struct {
	Member
	Duty  Duty
	Ready bool
	// NotReady says what is missing, empty if Ready.
	NotReady string
	// Readiness and PeerReadiness say since when this device and the peer have been ready,
	// or not ready for the same reason.
	Readiness, PeerReadiness proof.Standing
}

// ProfileSnapshot is one remote backup profile with the digest of its live records.
type ProfileSnapshot struct {
	Name, Service    string
	BackupID         uint32
	ETrunk, EthTrunk uint32
	MLD, Hot         bool
	Interfaces       []string
	Records          int // live records
	Tombstones       int // records of hosts that have left, until the peer has acknowledged them
	Digest           uint64
	Ready            bool
	// NotReady says what is missing, empty if Ready.
	NotReady string
}

// DutyKind is the duty of a device on one interface.
type DutyKind uint8

// Duties.
const (
	DutyNone   DutyKind = iota // the peer sends
	DutyShared                 // each sends its bucket
	DutySole                   // this device sends everything
)

func (k DutyKind) String() string { return [...]string{"none", "shared", "sole"}[k] }

// Duty is what a device sends on one interface, and why.
type Duty struct {
	Kind DutyKind
	// Covers is the buckets that the gate lets pass now. During a hand-over they can be
	// more than the device's duty.
	Covers  etrunk.Buckets
	Querier bool
	Reason  string
}

// RouteSnapshot is one (S,G) entry of the forwarding table.
type RouteSnapshot struct {
	Source, Group netip.Addr
	Upstream      string   // incoming interface, configured name
	Outgoing      []string // outgoing interfaces, configured names
	Uptime        time.Duration
	Origin        RouteOrigin
	Orphan        bool // this device sends the stream in the peer's stead, although its bucket is the peer's
	Arrival       ArrivalSnapshot
}

// RouteOrigin says why an entry was made.
type RouteOrigin uint8

// Origins of entries.
const (
	RouteSSM  RouteOrigin = iota // a listener named the source
	RouteASM                     // a packet came, and a listener wants any source
	RouteIdle                    // a packet came, and no listener wants the stream
)

func (o RouteOrigin) String() string { return [...]string{"SSM", "ASM", "IDLE"}[o] }
