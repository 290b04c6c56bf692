// Package consoletest gives tests of the console's clients a system with a
// real configuration store and a device that has nothing and takes everything.
package consoletest

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"

	"tandem/internal/config"
	"tandem/internal/console"
	"tandem/internal/echo"
	"tandem/internal/journal"
	"tandem/internal/state"
)

// quietDevice is a Backend without interfaces or peers.
type quietDevice struct{}

func (quietDevice) Snapshot() state.Device {
	return state.Device{ID: 7}
}
func (quietDevice) Groups(string, bool) []state.Group { return nil }
func (quietDevice) Redundancy() state.Redundancy {
	return state.RedundancyOf(&state.Device{ID: 7}, state.PeerTold{})
}
func (quietDevice) Routes() []state.Route              { return nil }
func (quietDevice) BFDStatistics() state.BFDStatistics { return state.BFDStatistics{} }
func (quietDevice) BFD() []state.BFDSession            { return nil }
func (quietDevice) Apply(*config.Model) error          { return nil }
func (quietDevice) Switchover(uint32, bool) error      { return nil }
func (quietDevice) BatchBackup(string) error           { return nil }

// ResetGroups accepts every request.
func (quietDevice) ResetGroups(string, netip.Addr) error { return nil }

// UnicastRoutes returns no routes.
func (quietDevice) UnicastRoutes(string) ([]state.UnicastRoute, error) { return nil, nil }
func (quietDevice) EthTrunk(uint32) (state.EthTrunk, error) {
	return state.EthTrunk{}, errors.New("there is none")
}

// Ping waits for an answer that never comes.
func (quietDevice) Ping(ctx context.Context, _ echo.Request, _ func(echo.Reply)) error {
	<-ctx.Done()
	return ctx.Err()
}
func (quietDevice) Interfaces() []state.Interface { return nil }

// NewSystem returns a system with nothing configured. Its store lasts as long
// as the test.
func NewSystem(t *testing.T) *console.System {
	t.Helper()
	store, err := config.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &console.System{Backend: quietDevice{}, Store: store, Build: console.ThisBuild(), Journal: journal.New(slog.DiscardHandler)}
}
