package bfdsession

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/config"
	"tandem/internal/daemon/bfdloop"
	"tandem/internal/daemon/eventloop"
	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/linux/testnet"
)

// rig is the environment of the sessions. It records their reports.
type rig struct {
	*Sessions
	t       *testing.T
	loop    *eventloop.Loop
	vrfs    map[string]int
	told    chan device.BFDChanged
	changed []string // interfaces reported as changed
}

func (r *rig) Handle(ev device.Event)                  { r.told <- ev.(device.BFDChanged) }
func (r *rig) Emit(ev event.Event)                     { r.t.Log(ev) }
func (r *rig) Netdev(name config.InterfaceName) string { return name.Netdev() }
func (r *rig) VRF(vpn string) int                      { return r.vrfs[vpn] }
func (r *rig) interfaceChanged(netdev string)          { r.changed = append(r.changed, netdev) }
func (r *rig) says(name string, state, remote bfd.State) {
	r.Sessions.changed(bfd.Event{Session: name, State: state, Remote: remote})
}

// start starts sessions with the state that a predecessor has left.
func start(t *testing.T, left State, o bfdloop.Options) *rig {
	t.Helper()
	r := &rig{t: t, told: make(chan device.BFDChanged, 100)}
	r.loop = eventloop.New(eventloop.Options{Settle: func() {}, Interval: time.Hour})
	if o.Origin.IsZero() {
		o.Origin = time.Now()
	}
	var err error
	r.Sessions, err = Start(Options{Loop: r.loop, Handle: r.Handle, Emit: r.Emit, Links: r, InterfaceChanged: r.interfaceChanged, BFD: o, State: left})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- r.Run(t.Context()) }()
	t.Cleanup(func() {
		_ = r.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if err := r.loop.Begin(func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSessionsStartWhenTheyAreComplete(t *testing.T) {
	r := start(t, State{}, bfdloop.Options{})
	m := config.New()
	c := &config.BFDSession{Name: "s", VPN: "red", Peer: netip.MustParseAddr("2001:db8::b"), MinTx: time.Second, MinRx: time.Second, DetectMult: 3}
	m.Sessions["s"] = c
	lacks := func(what string) {
		t.Helper()
		r.model = m
		list := r.List()
		if len(r.configs()) != 0 || len(list) != 1 || list[0].State != bfd.Down || !strings.Contains(list[0].NotUpReason, what) {
			t.Errorf("without %s: %+v", what, list)
		}
	}
	lacks("BFD is not enabled")
	m.BFD = true
	lacks("vpn-instance red")
	r.vrfs = map[string]int{"red": 7}
	lacks("no local discriminator")
	c.LocalDiscriminator = 1
	lacks("no remote discriminator")
	c.RemoteDiscriminator = 2
	got := r.configs()
	if len(got) != 1 || got[0].VRF != "red" || got[0].VRFIndex != 7 || got[0].LocalDiscriminator != 1 || got[0].RemoteDiscriminator != 2 {
		t.Errorf("%+v", got)
	}
}

// TestGivenDiscriminators: a session without configured discriminators keeps the local one that
// the device has allocated while it is configured, also over a restart.
func TestGivenDiscriminators(t *testing.T) {
	r := start(t, State{}, bfdloop.Options{})
	m := config.New()
	m.BFD = true
	for _, name := range []string{"a", "b"} {
		m.Sessions[name] = &config.BFDSession{Name: name, Auto: true}
	}
	r.model = m
	first := r.configs()
	if len(first) != 2 || first[0].LocalDiscriminator == first[1].LocalDiscriminator || min(first[0].LocalDiscriminator, first[1].LocalDiscriminator) <= 16384 {
		t.Fatalf("%+v", first)
	}
	m.Sessions["0"] = &config.BFDSession{Name: "0", Auto: true}
	again := r.configs()
	if len(again) != 3 || again[1] != first[0] || again[2] != first[1] {
		t.Errorf("%+v, was %+v", again, first)
	}
	left, _, err := r.HandOver(0)
	if err != nil {
		t.Fatal(err)
	}
	successor := start(t, left, bfdloop.Options{})
	successor.model = m
	if got := successor.configs(); !slices.Equal(got, again) {
		t.Errorf("after a restart %+v, was %+v", got, again)
	}
	delete(m.Sessions, "a")
	r.configs()
	m.Sessions["a"] = &config.BFDSession{Name: "a", Auto: true}
	if got := r.configs(); got[1].LocalDiscriminator == first[0].LocalDiscriminator {
		t.Error("a new session has the discriminator of one that is gone")
	}
}

func TestInterfaceFollowsItsSession(t *testing.T) {
	r := start(t, State{}, bfdloop.Options{})
	m := config.New()
	m.BFD = true
	c := &config.BFDSession{Name: "s", Interface: "up0", ProcessInterface: true}
	m.Sessions["s"] = c
	m.Sessions["t"] = &config.BFDSession{Name: "t", Interface: "up1"} // no interface follows this session
	r.model = m
	expect := func(when string, lost bool, changes int) {
		t.Helper()
		if got := r.Lost("up0"); got != lost || r.Lost("up1") || len(r.changed) != changes {
			t.Errorf("%s: lost %v, told of changes of %v", when, got, r.changed)
		}
	}
	expect("before the session is up", false, 0)
	r.says("s", bfd.Up, bfd.Up)
	r.says("t", bfd.Up, bfd.Up)
	expect("up", false, 0)
	r.says("s", bfd.Down, bfd.Up)
	r.says("t", bfd.Down, bfd.Up)
	expect("failed", true, 1)
	r.says("s", bfd.Init, bfd.Down)
	expect("on its way", true, 1)
	if alarms := r.Conditions(); len(alarms) != 2 {
		t.Errorf("alarms: %v", alarms)
	}

	left, _, err := r.HandOver(0)
	if err != nil {
		t.Fatal(err)
	}
	successor := start(t, left, bfdloop.Options{})
	successor.model = m
	if successor.Follow(); !successor.Lost("up0") || len(successor.changed) != 0 {
		t.Errorf("after a restart: lost %v, changes %v", successor.Lost("up0"), successor.changed)
	}

	r.says("s", bfd.Up, bfd.Init)
	expect("back", false, 2)
	r.says("s", bfd.Down, bfd.AdminDown)
	expect("shut down by the peer", false, 2)
	r.says("s", bfd.Up, bfd.Init)
	r.says("s", bfd.Down, bfd.Down)
	expect("failed again", true, 3)
	c.ProcessInterface = false
	r.Follow()
	expect("when the command is undone", false, 4)
}

// TestPeersTellEachOther: two devices are connected by a cable. One device gets the
// reports that the session is up, that the other end has shut it down, and that the other
// end has gone.
func TestPeersTellEachOther(t *testing.T) {
	nodes := []*testnet.Node{testnet.NewNode(t), testnet.NewNode(t)}
	testnet.Cable(t, nodes[0], "bfd0", nodes[1], "bfd0")
	addresses := []netip.Addr{netip.MustParseAddr("2001:db8:bfd::a"), netip.MustParseAddr("2001:db8:bfd::b")}
	model := func(i int, shutdown bool) *config.Model {
		m := config.New()
		m.BFD = true
		m.Sessions["s"] = &config.BFDSession{Name: "s", Interface: "bfd0", Local: addresses[i], Peer: addresses[1-i],
			LocalDiscriminator: uint32(1 + i), RemoteDiscriminator: uint32(2 - i), Shutdown: shutdown,
			MinTx: 50 * time.Millisecond, MinRx: 50 * time.Millisecond, DetectMult: 20}
		return m
	}
	var rigs []*rig
	for i, node := range nodes {
		testnet.Must(t, node.Links.AddAddress("bfd0", netip.PrefixFrom(addresses[i], 64)))
		testnet.AwaitLinkLocal(t, node, "bfd0")
		r := start(t, State{}, bfdloop.Options{OnThread: node.Enter})
		r.configures(model(i, false))
		link, err := node.Links.Link("bfd0")
		testnet.Must(t, err)
		r.SetLink("bfd0", link.Index, link.Up)
		rigs = append(rigs, r)
	}
	here, there := rigs[0], rigs[1]
	here.isTold(etrunk.BFDUp)
	there.isTold(etrunk.BFDUp)
	there.configures(model(1, true))
	here.isTold(etrunk.BFDPending)
	there.configures(model(1, false))
	here.isTold(etrunk.BFDUp)
	if err := there.Close(); err != nil {
		t.Error(err)
	}
	here.isTold(etrunk.BFDDown)
	if s := here.Statistics(); s.Ups != 2 || s.Downs != 1 {
		t.Errorf("counted %d up and %d down", s.Ups, s.Downs)
	}
}

func (r *rig) configures(m *config.Model) {
	r.t.Helper()
	var err error
	if stopped := r.loop.Turn(func() { err = r.Configure(m) }); stopped != nil || err != nil {
		r.t.Fatal(stopped, err)
	}
}

// isTold waits for the next state that is reported to the device.
func (r *rig) isTold(want etrunk.BFDState) {
	r.t.Helper()
	select {
	case ev := <-r.told:
		if ev.Session != "s" || ev.State != want {
			r.t.Fatalf("told %+v, want %v", ev, want)
		}
	case <-time.After(10 * time.Second):
		r.t.Fatalf("not told %v; sessions %+v", want, r.List())
	}
}

// TestStateIsCopied: a change by a successor does not change the predecessor's state.
func TestStateIsCopied(t *testing.T) {
	left := State{Told: map[string]etrunk.BFDState{"s": etrunk.BFDUp}, Ups: 3}
	kept := maps.Clone(left.Told)
	r := start(t, left, bfdloop.Options{})
	r.says("s", bfd.Down, bfd.Up)
	if !maps.Equal(left.Told, kept) || r.Told("s") != etrunk.BFDDown || r.Told("t") != etrunk.BFDPending {
		t.Errorf("left %v, told %v and %v", left.Told, r.Told("s"), r.Told("t"))
	}
	if s := r.Statistics(); s.Ups != 3 || s.Downs != 1 {
		t.Errorf("counted %d up and %d down", s.Ups, s.Downs)
	}
}

// TestSessionOfAnETrunkIsAnAlarm: the alarm also holds for a session that an E-Trunk has made.
func TestSessionOfAnETrunkIsAnAlarm(t *testing.T) {
	r := start(t, State{}, bfdloop.Options{})
	m := config.New()
	m.BFD = true
	m.ETrunks[1] = &config.ETrunk{ID: 1, Peer: netip.MustParseAddr("2001:db8::b"), Local: netip.MustParseAddr("2001:db8::a")}
	m.ETrunks[1].BFD.Enabled = true
	r.model = m
	own := m.AllSessions()
	if len(own) != 1 {
		t.Fatalf("sessions %v", own)
	}
	r.says(own[0].Name, bfd.Up, bfd.Up)
	r.says(own[0].Name, bfd.Down, bfd.Up)
	if alarms := r.Conditions(); len(alarms) != 1 || alarms[0].AlarmKind != event.SessionDown {
		t.Errorf("alarms %v", alarms)
	}
}

// TestSlowSessionIsAnAlarm: a session that is Up and has slowed down is an alarm, as long
// as it is slow.
func TestSlowSessionIsAnAlarm(t *testing.T) {
	r := start(t, State{}, bfdloop.Options{})
	m := config.New()
	m.BFD = true
	m.Sessions["s"] = &config.BFDSession{Name: "s"}
	r.model = m
	slow := bfd.Slowdown{Interval: 6 * time.Millisecond, Late: 4 * time.Millisecond}
	for _, step := range []struct {
		state bfd.State
		slow  bfd.Slowdown
		want  string
	}{
		{bfd.Up, bfd.Slowdown{}, ""},
		{bfd.Up, slow, "BFD_SESSION_SLOW Interval=6ms, this device woke 4.0 ms late"},
		{bfd.Down, slow, "BFD_SESSION_DOWN "},
		{bfd.Up, slow, "BFD_SESSION_SLOW Interval=6ms, this device woke 4.0 ms late"},
		{bfd.Up, bfd.Slowdown{}, ""},
	} {
		r.Sessions.changed(bfd.Event{Session: "s", State: step.state, Remote: bfd.Up, Slow: step.slow})
		var alarms []string
		for _, c := range r.Conditions() {
			alarms = append(alarms, c.Name+" "+c.Detail)
		}
		if got := strings.Join(alarms, "; "); got != step.want {
			t.Errorf("%v at %v: alarms %q, want %q", step.state, step.slow.Interval, got, step.want)
		}
	}
	if len(r.told) != 3 {
		t.Errorf("the device was told %d times, want 3: a new pace is no news to it", len(r.told))
	}
}
