package mld

import (
	"net/netip"
	"time"
)

// FilterMode says whether a source list names what is wanted or what is not
// (RFC 9777, section 2).
type FilterMode uint8

// The two filter modes. The zero value with no sources wants nothing.
const (
	Include FilterMode = iota
	Exclude
)

// String returns the mode as the RFC and the displays write it.
func (m FilterMode) String() string {
	if m == Exclude {
		return "EXCLUDE"
	}
	return "INCLUDE"
}

// Filter is the reception state of a host, or of everybody on an interface,
// for one group. Sources are sorted and unique. The zero Filter wants nothing.
type Filter struct {
	Mode    FilterMode
	Sources []netip.Addr
}

// Version orders the writes to one record: later Clock wins, then higher
// Device. Clock is a hybrid logical clock reading that the caller supplies;
// this package only compares it.
type Version struct {
	Clock  uint64
	Device uint64
}

// Key names a listener record on one interface. The host :: holds what has
// been left but must be sent until the last-listener query time is over.
type Key struct {
	Group netip.Addr
	Host  netip.Addr
}

// Record is what is known of one host's interest in one group: the unit of
// replication. Version.Device is the device that heard the host.
type Record struct {
	Key
	Filter
	Version Version
	// V1 marks a record learnt from an MLDv1 report.
	V1 bool
	// Deleted marks a tombstone: the host has left.
	Deleted bool
	// Left is the time until the record expires on its own.
	Left time.Duration
}

// InterfaceState is a snapshot of the router side on one interface, for displays.
type InterfaceState struct {
	Config
	// InUse is Config with the robustness and query interval of the elected
	// querier, where that is another router.
	InUse Config
	// Duty says whether this router may be querier at all.
	Duty      bool
	LinkLocal netip.Addr
	Up        bool
	// Querier is the address of the elected querier; it is LinkLocal when this router is it,
	// and the zero Addr when none is known.
	Querier             netip.Addr
	IsQuerier           bool
	GeneralQueryIn      time.Duration // until the next general query of ours, 0 when none is due
	OtherQuerierPresent time.Duration // left of the other querier present timer, 0 when it does not run
	Groups              int
	Records             int // of hosts
	Entries             int // what counts against AccessLimit, 0 without one
	Counters            Counters
}

// GroupState is a snapshot of one group on one interface, for displays.
type GroupState struct {
	Group  netip.Addr
	Filter Filter
	Uptime time.Duration
	// Expires is the time until the last record ends if nothing refreshes it.
	Expires      time.Duration
	LastReporter netip.Addr
	// V1HostPresent is the time left of the older version host present timer, 0 when it does not run.
	V1HostPresent time.Duration
	// LastListenerQueriesLeft counts the specific queries still to be sent.
	LastListenerQueriesLeft int
	LastListenerQueryIn     time.Duration
	// Static is what the configuration wants of the group by itself.
	Static Filter
	// Denied: the group policy lets none of it be sent.
	Denied bool
	// Hosts holds every record, live ones only, sorted by host.
	Hosts []HostState
}

// HostState is one listener of a group, for displays.
type HostState struct {
	Host   netip.Addr // :: for a leave in progress
	Filter Filter     // as the host said it
	// Mapped: what it gets are the mapped sources of the group.
	Mapped  bool
	V1      bool
	Age     time.Duration // since it was last heard
	Expires time.Duration
	Origin  uint64 // device that heard it last
}
