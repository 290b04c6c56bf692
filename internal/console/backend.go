package console

import (
	"context"
	"net/netip"

	"tandem/internal/config"
	"tandem/internal/echo"
	"tandem/internal/event"
	"tandem/internal/state"
)

// Backend is the device behind the console. Its methods may be called from several
// goroutines at once. Their results are copies.
type Backend interface {
	Snapshot() state.Device
	// Groups lists the groups of a downstream interface, by its configured name, sorted.
	// If verbose is false, it may leave out the hosts.
	Groups(iface string, verbose bool) []state.Group
	Routes() []state.Route
	// Redundancy judges whether each of the two devices can be reloaded. It requests the
	// peer's present status, and waits at most a second for the answer.
	Redundancy() state.Redundancy
	// BFD lists the configured sessions, with the Linux names of their interfaces.
	BFD() []state.BFDSession
	BFDStatistics() state.BFDStatistics
	// Apply makes the device use a configuration. After an error the device still uses
	// the previous one.
	Apply(*config.Model) error
	// Switchover hands everything that this device sends on the members of an E-Trunk to
	// the peer (on), or ends that (off). An unknown E-Trunk is an error.
	Switchover(etrunk uint32, on bool) error
	// ResetGroups queries the hosts of a downstream interface and forgets those that do
	// not answer. It resets one group, or all groups if group is the zero Addr.
	ResetGroups(iface string, group netip.Addr) error
	// UnicastRoutes lists the unicast routes of a VPN instance, or of the public network
	// if vpn is empty. It returns an error if the VPN instance does not exist.
	UnicastRoutes(vpn string) ([]state.UnicastRoute, error)
	// BatchBackup starts a new synchronisation of a remote backup service.
	BatchBackup(service string) error
	Interfaces() []state.Interface
	// Ping sends echo requests and calls told with the result of each. An error means
	// that it could send none.
	Ping(ctx context.Context, p echo.Request, told func(echo.Reply)) error
	// EthTrunk returns the state of a configured Eth-Trunk in the kernel. If it is not
	// configured, this is an error.
	EthTrunk(number uint32) (state.EthTrunk, error)
}

// Journal provides the events and alarms of the device.
type Journal interface {
	Emit(event.Event)
	// Record records an audit event. None is left out.
	Record(event.Event)
	Book() event.Book
	// Follow waits until ctx ends for events with numbers above after.
	Follow(ctx context.Context, after uint64) ([]event.Entry, error)
	Reset()
	Alarms() []event.Alarm
}
