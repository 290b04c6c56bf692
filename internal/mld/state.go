package mld

import (
	"net/netip"
	"time"
)

// FilterMode says whether a source list names the sources that are wanted, or those that
// are not wanted (RFC 9777, section 2).
type FilterMode uint8

// The two filter modes. Include without sources wants nothing.
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

// Filter is the reception state of one group, for one host or for a whole interface.
// Sources are sorted, and each occurs once. The zero Filter wants nothing.
type Filter struct {
	Mode    FilterMode
	Sources []netip.Addr
}

// Version orders the writes to one record: the higher Clock wins, then the higher Device.
// Clock is a reading of a hybrid logical clock, which the caller supplies. Device is the
// ID of the device that wrote the record.
type Version struct {
	Clock  uint64
	Device uint64
}

// Key names a record on one interface. The record of host :: is the leave record: it
// holds the sources that hosts have left and that are still sent until the last listener
// query time is over.
type Key struct {
	Group netip.Addr
	Host  netip.Addr
}

// Record is what one host wants of one group. It is the unit of replication.
// Version.Device is the device that received the host's last report.
type Record struct {
	Key
	Filter
	Version Version
	// V1 marks a record that comes from an MLDv1 report.
	V1 bool
	// Deleted marks a tombstone: the host has left.
	Deleted bool
	// Left is the time until the record expires if nothing refreshes it.
	Left time.Duration
}

// InterfaceState is a snapshot of the router side on one interface, for displays.
type InterfaceState struct {
	Config
	// InUse is Config with the variables of the elected querier, if that is another router.
	InUse Config
	// Duty says whether this router may be the querier.
	Duty      bool
	LinkLocal netip.Addr
	Up        bool
	// Querier is the address of the elected querier. It is LinkLocal if this router is the
	// querier, and the zero Addr if none is known.
	Querier        netip.Addr
	IsQuerier      bool
	GeneralQueryIn time.Duration // until this router's next general query, 0 if none is due
	// ForeignQuerier is a router that sends queries and is not followed, the zero Addr if
	// there is none.
	ForeignQuerier      netip.Addr
	OtherQuerierPresent time.Duration // time left of the other querier present timer, 0 if it does not run
	Groups              int
	Records             int // records of hosts, without leave records
	Entries             int // entries that count against AccessLimit, 0 if there is no limit
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
	// Static is what the configuration has sent of the group even without a listener.
	Static Filter
	// Denied says that the group policy denies all streams of the group.
	Denied bool
	// Hosts holds all live records, sorted by host.
	Hosts []HostState
}

// HostState is one listener of a group, for displays.
type HostState struct {
	Host   netip.Addr // :: for the leave record
	Filter Filter     // as the host reported it
	// Mapped says that the host names no sources, and gets those of the group's SSM
	// mapping.
	Mapped  bool
	V1      bool
	Age     time.Duration // time since the host's last report
	Expires time.Duration
	Origin  uint64 // ID of the device that received the host's last report
}
