package console

import (
	"context"

	"tandem/internal/config"
	"tandem/internal/echo"
	"tandem/internal/event"
	"tandem/internal/state"
)

// Backend is the device behind the console. Its methods may be called from
// several goroutines at once; what they return is a copy.
type Backend interface {
	Snapshot() state.Device
	// Groups lists the groups of a downstream interface, by its configured name,
	// sorted; without verbose the hosts may be left out.
	Groups(iface string, verbose bool) []state.Group
	Routes() []state.Route
	// BFD lists the configured sessions, under Linux names of interfaces.
	BFD() []state.BFDSession
	BFDStatistics() state.BFDStatistics
	// Apply brings the device to a configuration. An error means that the
	// device still runs the one before.
	Apply(*config.Model) error
	// Switchover hands over (on) or takes back (off) what this device sends on
	// the members of an E-Trunk. An unknown E-Trunk is an error.
	Switchover(etrunk uint32, on bool) error
	// BatchBackup synchronises a remote backup service anew.
	BatchBackup(service string) error
	Interfaces() []state.Interface
	// Ping sends echo requests and tells of each. An error means that none could be sent.
	Ping(ctx context.Context, p echo.Request, told func(echo.Reply)) error
	// EthTrunk returns what a configured Eth-Trunk is in the kernel. One that is
	// not configured is an error.
	EthTrunk(number uint32) (state.EthTrunk, error)
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
