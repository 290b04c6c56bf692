package daemon

import (
	"testing"

	"tandem/internal/bfd"
	"tandem/internal/config"
	"tandem/internal/etrunk"
)

func TestSessionNewsAreToldOnce(t *testing.T) {
	n := sessionNews{last: make(map[string]etrunk.BFDState)}
	for i, c := range []struct {
		state, remote bfd.State
		want          etrunk.BFDState
		told          bool
	}{
		{bfd.Down, bfd.Down, 0, false}, // was never up
		{bfd.Init, bfd.Down, 0, false},
		{bfd.Up, bfd.Init, etrunk.BFDUp, true},
		{bfd.Up, bfd.Up, 0, false}, // what was between got lost on the way
		{bfd.Down, bfd.Up, etrunk.BFDDown, true},
		{bfd.Init, bfd.Down, 0, false},
		{bfd.Down, bfd.Down, 0, false},
		{bfd.Up, bfd.Up, etrunk.BFDUp, true},
		{bfd.Down, bfd.AdminDown, etrunk.BFDPending, true}, // the peer's operator
		{bfd.Up, bfd.Up, etrunk.BFDUp, true},
		{bfd.AdminDown, bfd.Up, etrunk.BFDPending, true}, // ours
		{bfd.Down, bfd.Down, 0, false},
	} {
		state, told := n.take(bfd.Event{Session: "s", State: c.state, Remote: c.remote})
		if told != c.told || told && state != c.want {
			t.Errorf("%d: %v, peer %v: told %v %v, want %v %v", i, c.state, c.remote, told, state, c.told, c.want)
		}
	}
	if n.ups != 3 || n.downs != 1 {
		t.Errorf("counted %d up and %d down", n.ups, n.downs)
	}
}

func TestSessionsStartWhenTheyAreComplete(t *testing.T) {
	m := config.New()
	s := &config.BFDSession{Name: "s"}
	m.Sessions["s"] = s
	d := &Daemon{model: m}
	for _, complete := range []func(){
		func() { m.BFD = true },
		func() { s.LocalDiscriminator = 1 },
		func() { s.RemoteDiscriminator = 2 },
	} {
		if why := notStarted(m, s); why == "" || len(d.bfdConfigs(m)) != 0 {
			t.Errorf("started too early: %q", why)
		}
		complete()
	}
	if why := notStarted(m, s); why != "" || len(d.bfdConfigs(m)) != 1 {
		t.Errorf("not started: %q", why)
	}
}
