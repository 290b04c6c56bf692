package bfdsession

import (
	"testing"

	"tandem/internal/bfd"
	"tandem/internal/etrunk"
)

func TestClientsAreToldOnce(t *testing.T) {
	s := State{Told: make(map[string]etrunk.BFDState)}
	for i, c := range []struct {
		state, remote bfd.State
		want          etrunk.BFDState
		told          bool
	}{
		{bfd.Down, bfd.Down, 0, false}, // was never up
		{bfd.Init, bfd.Down, 0, false},
		{bfd.Up, bfd.Init, etrunk.BFDUp, true},
		{bfd.Up, bfd.Up, 0, false}, // the Down between the two was not reported
		{bfd.Down, bfd.Up, etrunk.BFDDown, true},
		{bfd.Init, bfd.Down, 0, false},
		{bfd.Down, bfd.Down, 0, false},
		{bfd.Up, bfd.Up, etrunk.BFDUp, true},
		{bfd.Down, bfd.AdminDown, etrunk.BFDPending, true}, // by the operator of the peer
		{bfd.Up, bfd.Up, etrunk.BFDUp, true},
		{bfd.AdminDown, bfd.Up, etrunk.BFDPending, true}, // by the operator of this device
		{bfd.Down, bfd.Down, 0, false},
	} {
		state, told := s.tell(bfd.Event{Session: "s", State: c.state, Remote: c.remote})
		if told != c.told || told && state != c.want {
			t.Errorf("%d: %v, peer %v: told %v %v, want %v %v", i, c.state, c.remote, told, state, c.told, c.want)
		}
	}
	if s.Ups != 3 || s.Downs != 1 {
		t.Errorf("counted %d up and %d down", s.Ups, s.Downs)
	}
}
