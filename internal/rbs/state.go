package rbs

import (
	"net/netip"
	"time"

	"tandem/internal/latency"
)

// Version orders the writes to one record; the last one wins: the higher Clock, then the
// higher Device. Clock is a reading of a hybrid logical clock (see Clock).
type Version struct {
	Clock  Stamp
	Device uint64
}

// Stamp is a hybrid logical clock reading: 48 bits of Unix milliseconds, then
// 16 bits that count events within the millisecond.
type Stamp uint64

// Key names a record on both devices. It identifies the interface by the backup ID of its
// profile and its sub-interface number, 0 for the Eth-Trunk itself.
type Key struct {
	BackupID     uint32
	SubInterface uint32
	Group        netip.Addr
	Host         netip.Addr
}

// Record is one replicated listener record.
type Record struct {
	Key
	Version Version
	Exclude bool // filter mode EXCLUDE, else INCLUDE
	V1      bool
	Deleted bool // tombstone
	Sources []netip.Addr
	// Left is the time until the record expires if nothing refreshes it. It is a length of
	// time, so the clocks of the devices need not agree.
	Left time.Duration
}

// TCPState is the state of the service's connection.
type TCPState uint8

// Connection states, in the display's words.
const (
	Initial TCPState = iota
	Listening
	Connecting
	Connected
)

func (s TCPState) String() string {
	return [...]string{"Initial", "Listening", "Connecting", "Connected"}[s]
}

// State is a snapshot of one remote backup service.
type State struct {
	Name        string
	Peer, Local netip.Addr
	Port        uint16
	TCP         TCPState
	// Since is how long the service has been in this state.
	Since  time.Duration
	LastUp time.Time // wall-clock time of the last connection, zero if there was none
	// LastError says why a connection was last lost or refused; empty if none ever was.
	LastError    string
	PeerDeviceID uint64
	// Pin says which certificate and device ID the peer must have. PinnedBy is the
	// E-Trunk whose hellos contained them, 0 for none; the caller of State sets it.
	Pin      Pin
	PinnedBy uint32
	// Security says how the connection is protected. It is the zero value without a
	// connection.
	Security Security
	// Distrust says why a connection that is not the peer's was refused lately. It is
	// empty if none was.
	Distrust string
	// InSync says that the synchronisation of this connection has ended in both
	// directions.
	InSync bool
	// LagRecords is the number of records that the peer has not acknowledged. Lag is the
	// age of the oldest change among them.
	LagRecords int
	Lag        time.Duration
	// LocalDigest and PeerDigest cover all live records of the service. PeerDigest is the last
	// one that the peer has sent.
	LocalDigest, PeerDigest uint64
	// Diverged says that the databases were found to differ while no record was under way, and
	// have not been found equal since.
	Diverged bool
	// LastFull and LastDifference describe the last synchronisation of all records, and
	// the last one of the differences only.
	LastFull, LastDifference SyncStats
	Counters                 Counters
	// Lags is a histogram of the time from the change of a record to its acknowledgement.
	// For a record that a synchronisation sent, the time counts from the start of the
	// synchronisation.
	Lags latency.Histogram
}

// SyncStats describes the last synchronisation of one kind, and says how many of that
// kind there were.
type SyncStats struct {
	Count    uint64
	At       time.Time
	Took     time.Duration
	Sent     int
	Received int
}
