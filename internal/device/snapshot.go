package device

import (
	"net/netip"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/mld"
	"tandem/internal/proof"
	"tandem/internal/rbs"
)

// Snapshot is a copy of what the displays and the metrics show of a device.
// Its slices are sorted; groups are left out and asked for one by one.
type Snapshot struct {
	At         time.Time
	DeviceID   uint64
	Uptime     time.Duration
	Interfaces []InterfaceSnapshot
	ETrunks    []etrunk.State
	Members    []MemberSnapshot // of all E-Trunks
	Services   []rbs.State
	Profiles   []ProfileSnapshot
	Counters   Counters
	Entries    int    // of the forwarding table
	Silent     uint64 // entries dropped as no packet came for KeepAlive
}

// InterfaceSnapshot is one multicast interface.
type InterfaceSnapshot struct {
	Name     string // as configured, in canonical form
	Netdev   string // its Linux name, empty while it does not exist
	Up       bool
	Lacks    proof.Lack // what keeps it from its work, though it is up
	Upstream bool
	// MLD has of an upstream interface no more than its address and its counters.
	MLD mld.InterfaceState
	// The rest is for downstream interfaces only.
	Profile string
	Duty    Duty
	Deaf    proof.Witness // who shows that the interface hears no host
}

// MemberSnapshot is what this device makes of one member Eth-Trunk.
type MemberSnapshot struct {
	Member
	Duty  Duty
	Ready bool
	// NotReady names what is missing, empty when Ready.
	NotReady string
}

// ProfileSnapshot is one remote backup profile with the digest of its live records.
type ProfileSnapshot struct {
	Name, Service    string
	BackupID         uint32
	ETrunk, EthTrunk uint32
	MLD, Hot         bool
	Interfaces       []string
	Records          int // live ones
	Tombstones       int // of hosts that left, not acknowledged yet
	Digest           uint64
	Ready            bool
	// NotReady names what is missing, empty when Ready.
	NotReady string
}

// DutyKind is the duty of a device on one interface (design: system, section 4).
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
	// Covers is what the gate lets pass; it is wider than the duty during a hand-over.
	Covers  etrunk.Buckets
	Querier bool
	Reason  string
}

// RouteSnapshot is one (S,G) entry of the forwarding table.
type RouteSnapshot struct {
	Source, Group netip.Addr
	Upstream      string   // configured name
	Outgoing      []string // configured names
	Uptime        time.Duration
	Origin        RouteOrigin
	Orphan        bool // sent although the hash names the peer, until the peer has the listener
}

// RouteOrigin says what made an entry.
type RouteOrigin uint8

// Origins of entries.
const (
	RouteSSM  RouteOrigin = iota // a listener named the source
	RouteASM                     // a packet came and a listener wants any source
	RouteIdle                    // a packet came and nobody wants it
)

func (o RouteOrigin) String() string { return [...]string{"SSM", "ASM", "IDLE"}[o] }
