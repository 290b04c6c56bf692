package console

import (
	"context"

	"tandem/internal/bfd"
	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/mld"
)

// Backend is the device behind the console. Its methods may be called from
// several goroutines at once; what they return is a copy.
type Backend interface {
	Snapshot() device.Snapshot
	// Groups lists the groups of a downstream interface, by its configured name,
	// sorted; without verbose the hosts may be left out.
	Groups(iface string, verbose bool) []mld.GroupState
	Routes() []device.RouteSnapshot
	// BFD lists the configured sessions, under Linux names of interfaces.
	BFD() []bfd.SessionState
	BFDStatistics() bfd.Statistics
	// Apply brings the device to a configuration. An error means that the
	// device still runs the one before.
	Apply(*config.Model) error
	// Switchover hands over (on) or takes back (off) what this device sends on
	// the members of an E-Trunk. An unknown E-Trunk is an error.
	Switchover(etrunk uint32, on bool) error
	// BatchBackup synchronises a remote backup service anew.
	BatchBackup(service string) error
	Interfaces() []InterfaceInfo
	// Ping sends echo requests and tells of each. An error means that none could be sent.
	Ping(ctx context.Context, p device.Ping, told func(device.PingReply)) error
	// EthTrunk returns what a configured Eth-Trunk is in the kernel. One that is
	// not configured is an error.
	EthTrunk(number uint32) (device.EthTrunkInfo, error)
}

// Journal is where the events of the device are.
type Journal interface {
	Emit(event.Event)
	// Record takes an event of the audit, of which none is left out.
	Record(event.Event)
	Book() event.Book
	// Follow waits for events after the one of a number until ctx ends.
	Follow(ctx context.Context, after uint64) ([]event.Entry, error)
	Reset()
	Alarms() []event.Alarm
}

// InterfaceInfo is one interface of the system, multicast or not.
type InterfaceInfo = device.InterfaceInfo
