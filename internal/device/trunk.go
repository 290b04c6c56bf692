package device

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/proof"
)

// trunk is an E-Trunk with its members on this device.
type trunk struct {
	*ground
	core    *trunkCore
	random  *rand.PCG // the source of the core's random numbers
	cfg     etrunk.Config
	members map[uint32]*member
	state   etrunk.State // the core's state at the last refresh
	TrunkKept
}

// TrunkKept is the state of an E-Trunk without its core and its members.
type TrunkKept struct {
	Lost  bool         // the peer was lost and has not been found again
	Heard instant.Time // when the last sign of life of the peer came
	BFD   proof.Standing
}

// trunkCore is the core of an E-Trunk. Its methods replace those of [etrunk.Trunk] that
// have effects, and apply the effects themselves.
type trunkCore struct {
	*etrunk.Trunk
	of *trunk
	fx etrunk.Effects // the effects of the present call
}

// Configure calls [etrunk.Trunk.Configure] and applies the effects. The configuration has
// been validated.
func (c *trunkCore) Configure(now instant.Time, cfg etrunk.Config) {
	_ = c.Trunk.Configure(now, cfg, &c.fx)
	c.apply(now)
}

// Resume calls [etrunk.Trunk.Resume] and applies the effects. The configuration has been
// validated.
func (c *trunkCore) Resume(now instant.Time, pause time.Duration, cfg etrunk.Config, s etrunk.Session) {
	_ = c.Trunk.Resume(now, pause, cfg, s, &c.fx)
	c.apply(now)
}

// Advance calls [etrunk.Trunk.Advance] and applies the effects.
func (c *trunkCore) Advance(now instant.Time) {
	c.Trunk.Advance(now, &c.fx)
	c.apply(now)
}

// Announce calls [etrunk.Trunk.Announce] and applies the effects.
func (c *trunkCore) Announce(now instant.Time, id uint32, a etrunk.Announcement) {
	c.Trunk.Announce(now, id, a, &c.fx)
	c.apply(now)
}

// EndRevert calls [etrunk.Trunk.EndRevert] and applies the effects.
func (c *trunkCore) EndRevert(now instant.Time, id uint32) {
	c.Trunk.EndRevert(now, id, &c.fx)
	c.apply(now)
}

// SetBFD calls [etrunk.Trunk.SetBFD] and applies the effects.
func (c *trunkCore) SetBFD(now instant.Time, s etrunk.BFDState) {
	c.Trunk.SetBFD(now, s, &c.fx)
	c.apply(now)
}

// Receive calls [etrunk.Trunk.Receive] and applies the effects. It reports whether the
// core accepted the packet. The core counts dropped packets by cause.
func (c *trunkCore) Receive(now instant.Time, from netip.Addr, vpn string, packet []byte) (taken bool) {
	taken = c.Trunk.Receive(now, from, vpn, packet, &c.fx) == nil
	if taken {
		c.of.Heard = now
	}
	c.apply(now)
	return taken
}

// apply carries out the effects of the core.
func (c *trunkCore) apply(now instant.Time) {
	t := c.of
	for _, packet := range c.fx.Packets {
		for _, path := range t.cfg.Paths() {
			t.fx.Hellos = append(t.fx.Hellos, SendHello{ETrunk: t.cfg.ID, Path: path, Packet: packet})
		}
	}
	for _, ev := range c.fx.Events {
		t.tell(trunkEvent(t.cfg.ID, ev))
		t.Lost = t.Lost || ev.Kind == etrunk.PeerLost
		if t.Lost && ev.Kind == etrunk.PeerFound {
			t.Lost, t.kept.Found = false, true
			t.agenda.add(stageAnnounce, now)
		}
	}
	if c.fx.Changed {
		t.agenda.add(stageDuty, now)
	}
	c.fx.Reset()
}
