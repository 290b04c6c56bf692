package daemon

import (
	"log/slog"
	"testing"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/journal"
	"tandem/internal/linux/links"
	"tandem/internal/tape"
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
		if why := d.notStarted(m, s); why == "" || len(d.bfdConfigs(m)) != 0 {
			t.Errorf("started too early: %q", why)
		}
		complete()
	}
	if why := d.notStarted(m, s); why != "" || len(d.bfdConfigs(m)) != 1 {
		t.Errorf("not started: %q", why)
	}
}

// TestGivenDiscriminators: a session that finds out its discriminators keeps the one
// that the device has given it for as long as it is configured.
func TestGivenDiscriminators(t *testing.T) {
	m := config.New()
	m.BFD = true
	for _, name := range []string{"a", "b"} {
		m.Sessions[name] = &config.BFDSession{Name: name, Auto: true}
	}
	d := &Daemon{model: m}
	first := d.bfdConfigs(m)
	if len(first) != 2 || first[0].LocalDiscriminator == first[1].LocalDiscriminator || min(first[0].LocalDiscriminator, first[1].LocalDiscriminator) <= 16384 {
		t.Fatalf("%+v", first)
	}
	m.Sessions["0"] = &config.BFDSession{Name: "0", Auto: true}
	again := d.bfdConfigs(m)
	if len(again) != 3 || again[1] != first[0] || again[2] != first[1] {
		t.Errorf("%+v, was %+v", again, first)
	}
	delete(m.Sessions, "a")
	d.bfdConfigs(m)
	m.Sessions["a"] = &config.BFDSession{Name: "a", Auto: true}
	if got := d.bfdConfigs(m); got[1].LocalDiscriminator == first[0].LocalDiscriminator {
		t.Error("a new session has the discriminator of one that is gone")
	}
}

func TestInterfaceFollowsItsSession(t *testing.T) {
	now := time.Now()
	m := config.New()
	m.BFD = true
	session := &config.BFDSession{Name: "s", Interface: "up0", ProcessInterface: true}
	m.Sessions["s"] = session
	d := &Daemon{
		opts: Options{Journal: journal.New(slog.DiscardHandler)}, origin: now, device: tape.New(1, 1, now, 0, 0), model: m,
		sessions: sessionNews{last: make(map[string]etrunk.BFDState)},
	}
	d.links.Update([]links.Link{{Name: "up0", Index: 3, Exists: true, Up: true}})
	err := d.device.Configure(0, device.Settings{
		Interfaces: map[string]device.InterfaceSettings{"up0": {Netdev: "up0", Upstream: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.tellLink(d.links.Get("up0"))
	expect := func(when string, up bool) {
		t.Helper()
		if got := d.device.Snapshot(d.now(), now).Interfaces[0].Up; got != up {
			t.Errorf("%s the device takes the interface for up: %v", when, got)
		}
		if got := d.interfaceInfo("up0", "up0"); got.BFDDown == up || !got.Up {
			t.Errorf("%s shown: %+v", when, got)
		}
	}
	tell := func(state, remote bfd.State) {
		d.sessionChanged(bfd.Event{Session: "s", State: state, Remote: remote})
	}
	expect("before the session is up", true)
	tell(bfd.Up, bfd.Up)
	tell(bfd.Down, bfd.Up)
	expect("lost", false)
	d.tellLink(d.links.Get("up0")) // news of the link itself change nothing
	expect("lost", false)
	tell(bfd.Up, bfd.Init)
	expect("back", true)
	tell(bfd.Down, bfd.AdminDown)
	expect("shut down by the peer", true)
	tell(bfd.Up, bfd.Init)
	tell(bfd.Down, bfd.Down)
	session.ProcessInterface = false
	d.followSessions()
	expect("when the command is undone", true)
}
