package bfd

import (
	"testing"
	"time"
)

// told lists the states that were reported to the session's users since its last call.
func (p *puppet) told() (states []State) {
	for _, e := range p.fx.Events {
		states = append(states, e.State)
	}
	p.fx.Reset()
	return states
}

// stay lets time pass while the peer goes on sending.
func (p *puppet) stay(d time.Duration) {
	for end := p.now.Add(d); p.now < end; {
		p.run(10 * ms)
		p.mustSay(Up, nil)
	}
}

func TestReturnIsToldAfterTheWait(t *testing.T) {
	p := newPuppet(t, func(c *Config) { c.WaitToRestore = time.Minute })
	p.mustSay(Down, nil)
	p.mustSay(Init, nil)
	expectStates(t, "the first time at once", p.told(), Init, Up)
	p.mustSay(Up, func(q *Packet) { q.Final = true })

	p.run(time.Second)
	expectStates(t, "lost", p.told(), Down)
	p.mustSay(Down, nil)
	p.mustSay(Init, nil)
	p.mustSay(Up, func(q *Packet) { q.Final = true })
	expectStates(t, "back, not told", p.told(), Init)
	if s := p.Snapshot(p.now); s.State != Up || s.RestoreIn != time.Minute {
		t.Errorf("%v, restored in %v", s.State, s.RestoreIn)
	}
	p.stay(59 * time.Second)
	expectStates(t, "before the time", p.told())
	p.stay(time.Second)
	expectStates(t, "after the time", p.told(), Up)
	if s := p.Snapshot(p.now); s.RestoreIn != 0 {
		t.Errorf("restored in %v after all", s.RestoreIn)
	}
}

func TestReturnThatDoesNotLastIsNotTold(t *testing.T) {
	p := newPuppet(t, func(c *Config) { c.WaitToRestore = time.Minute })
	p.up()
	p.run(time.Second)
	p.mustSay(Down, nil)
	p.mustSay(Init, nil)
	p.mustSay(Up, func(q *Packet) { q.Final = true })
	p.run(2 * time.Minute)
	expectStates(t, "lost, back, lost", p.told(), Down, Init, Down)
}

func TestOperatorsAreNotWaitedFor(t *testing.T) {
	p := newPuppet(t, func(c *Config) { c.WaitToRestore = time.Minute })
	p.up()
	p.mustSay(AdminDown, nil)
	p.mustSay(Down, nil)
	p.mustSay(Init, nil)
	expectStates(t, "the peer's operator", p.told(), Down, Init, Up)

	p.SetAdmin(p.now, true, &p.fx)
	p.SetAdmin(p.now, false, &p.fx)
	p.mustSay(Down, nil)
	p.mustSay(Init, nil)
	expectStates(t, "our operator", p.told(), AdminDown, Down, Init, Up)
}

func TestShorterWaitCountsAtOnce(t *testing.T) {
	p := newPuppet(t, func(c *Config) { c.WaitToRestore = time.Minute })
	p.up()
	p.run(time.Second)
	p.mustSay(Down, nil)
	p.mustSay(Init, nil)
	p.mustSay(Up, func(q *Packet) { q.Final = true })
	p.told()
	c := p.cfg
	c.WaitToRestore = 0
	p.Reconfigure(p.now, c, &p.fx)
	p.run(ms)
	expectStates(t, "wait configured away", p.told(), Up)
}

func TestHeldTableTellsThePeerAndRecovers(t *testing.T) {
	a := configA()
	b := Config{Name: "ba", Local: addrB, Peer: addrA, Interface: "eth0", LocalDiscriminator: 2, RemoteDiscriminator: 1}
	w := newWorld(t, []Config{a}, []Config{b})
	w.run(5 * time.Second)
	w.events = nil
	w.devices[0].Hold(w.now, true, &w.fx)
	w.carry(0)
	w.run(3 * time.Second)
	own, peer := w.devices[0].Snapshot(w.now, nil)[0], w.devices[1].Snapshot(w.now, nil)[0]
	if own.State != Down || own.Diagnostic != DiagForwardingPlaneReset || own.NotUpReason == "" {
		t.Errorf("held session: %+v", own)
	}
	if peer.State == Up || peer.Diagnostic != DiagNeighborSignaledDown {
		t.Errorf("its peer: %+v", peer)
	}
	w.devices[0].Hold(w.now, false, &w.fx)
	w.carry(0)
	w.run(5 * time.Second)
	if s := w.devices[1].Snapshot(w.now, nil)[0]; s.State != Up {
		t.Errorf("after the hold: %+v", s)
	}
}

func expectStates(t *testing.T, when string, got []State, want ...State) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: told %v, want %v", when, got, want)
		return
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: told %v, want %v", when, got, want)
		}
	}
}
