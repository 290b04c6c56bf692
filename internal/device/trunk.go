package device

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

// trunk is an E-Trunk and the members that this device has in it.
type trunk struct {
	*ground
	core    *trunkCore
	random  *rand.PCG // its core's
	cfg     etrunk.Config
	members map[uint32]*member
	state   etrunk.State // as of the last refresh
	TrunkKept
}

// TrunkKept is what a device knows of an E-Trunk beside its core and its members.
type TrunkKept struct {
	Lost  bool         // the peer was, and has not been found since
	Heard instant.Time // when the peer gave its last sign of life
}

// trunkCore is the core of an E-Trunk. Its methods take the place of those of [etrunk.Trunk]
// that have effects, and apply the effects themselves.
type trunkCore struct {
	*etrunk.Trunk
	of *trunk
	fx etrunk.Effects // being collected
}

// Configure stands for [etrunk.Trunk.Configure]. The configuration has been validated.
func (c *trunkCore) Configure(now instant.Time, cfg etrunk.Config) {
	_ = c.Trunk.Configure(now, cfg, &c.fx)
	c.apply(now)
}

// Resume stands for [etrunk.Trunk.Resume]. The configuration has been validated.
func (c *trunkCore) Resume(now instant.Time, pause time.Duration, cfg etrunk.Config, s etrunk.Session) {
	_ = c.Trunk.Resume(now, pause, cfg, s, &c.fx)
	c.apply(now)
}

// Advance stands for [etrunk.Trunk.Advance].
func (c *trunkCore) Advance(now instant.Time) {
	c.Trunk.Advance(now, &c.fx)
	c.apply(now)
}

// Announce stands for [etrunk.Trunk.Announce].
func (c *trunkCore) Announce(now instant.Time, id uint32, a etrunk.Announcement) {
	c.Trunk.Announce(now, id, a, &c.fx)
	c.apply(now)
}

// EndRevert stands for [etrunk.Trunk.EndRevert].
func (c *trunkCore) EndRevert(now instant.Time, id uint32) {
	c.Trunk.EndRevert(now, id, &c.fx)
	c.apply(now)
}

// SetBFD stands for [etrunk.Trunk.SetBFD].
func (c *trunkCore) SetBFD(now instant.Time, s etrunk.BFDState) {
	c.Trunk.SetBFD(now, s, &c.fx)
	c.apply(now)
}

// Receive stands for [etrunk.Trunk.Receive], and reports whether it took the packet. It
// counts what it drops, by cause.
func (c *trunkCore) Receive(now instant.Time, from netip.Addr, vpn string, packet []byte) (taken bool) {
	taken = c.Trunk.Receive(now, from, vpn, packet, &c.fx) == nil
	if taken {
		c.of.Heard = now
	}
	c.apply(now)
	return taken
}

// apply does what the core has asked for.
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
