package device

import (
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// Device is one router of a pair. It is not safe for concurrent use: one
// goroutine owns it.
type Device struct {
	*ground
	proxy       *proxy
	downstreams *downstreams
	trunks      keyed[uint32, *trunk]
	services    keyed[string, *service]
	upstream    upstream
	routes      *routing
	orphans     orphanage

	taken *Effects // handed out last

	observer func(string, Outcome) // see Observe
	replayed bool                  // see Replay
}

// New returns a device with nothing configured. The id must be non-zero, the
// same after every restart, and unlike the peer's; boot is random, unlike that
// of every earlier boot. now is a reading of the
// monotonic clock, as every call is given one; wall is the wall clock's reading at the same
// moment. It is not read again.
func New(id, boot uint64, wall time.Time, now instant.Time) *Device {
	g := &ground{
		id:    id,
		boot:  boot,
		kept:  DeviceKept{Started: now, Sessions: make(map[string]etrunk.BFDState)},
		clock: rbs.NewClock(wall, now),
		links: make(map[string]LinkChanged),
		fx:    &Effects{},
	}
	p, ds := &proxy{ground: g}, &downstreams{ground: g}
	d := &Device{
		ground:      g,
		proxy:       p,
		downstreams: ds,
		upstream:    p,
		routes:      &routing{ground: g, table: newRouteTable(boot), downstreams: ds, upstream: p},
		taken:       &Effects{},
	}
	ds.followers = follow{d.routes, d}
	return d
}

// Handle takes one event. What it asks for is added to [Device.Effects].
func (d *Device) Handle(now instant.Time, ev Event) {
	d.catchUp(now)
	switch ev := ev.(type) {
	case *MLDReceived:
		d.mldReceived(now, ev)
	case MLDMalformed:
		d.mldMalformed(ev)
	case LinkChanged:
		d.linkChanged(now, ev)
	case StreamArrived:
		d.routes.streamArrived(now, ev)
	case StreamsSilent:
		d.routes.streamsSilent(now, ev)
	case HelloReceived:
		d.helloReceived(now, ev)
	case BFDChanged:
		d.bfdChanged(now, ev)
	case HelloNotSent:
		if t := d.trunks.get(ev.ETrunk); t != nil {
			t.core.SendFailed(ev.Path)
		}
	case Switchover:
		d.switchover(now, ev.ETrunk, ev.On)
	case Withdraw:
		d.withdraw(now, ev)
	case Retire:
		d.retire(now)
	case Replicated:
		d.replicated(now, ev)
	default:
		d.channelEvent(now, ev)
	}
	d.settle(now)
}

// Advance does everything that is due. It may be called early or late.
func (d *Device) Advance(now instant.Time) {
	d.catchUp(now)
	for _, ifc := range d.downstreams.list {
		ifc.router.Advance(now)
		ifc.lookAtHearing(now, d.memberOf(ifc) != nil)
	}
	d.proxy.advance(now)
	for _, t := range d.trunks.list {
		t.core.Advance(now)
	}
	d.routes.expireIdle(now)
	d.settle(now)
}

// Deadline is when Advance must next be called, Never when nothing is waited for.
func (d *Device) Deadline() instant.Time {
	at := instant.Earliest(d.agenda.deadline(), d.proxy.deadline(), d.routes.deadline())
	for _, ifc := range d.downstreams.list {
		at = instant.Earliest(at, ifc.router.Deadline(), ifc.hearing.lookAt)
	}
	for _, t := range d.trunks.list {
		at = instant.Earliest(at, t.core.Deadline())
	}
	for _, s := range d.services.list {
		at = instant.Earliest(at, s.core.Deadline())
	}
	return at
}

// Effects takes what has been asked for since it was last called. The answer is
// valid until it is called again, also while events are handled meanwhile.
func (d *Device) Effects() *Effects {
	taken := d.fx
	d.fx, d.taken = d.taken, taken
	d.fx.reset()
	return taken
}

func (d *Device) mldReceived(now instant.Time, ev *MLDReceived) {
	if d.proxy.isOn(ev.Netdev) {
		d.proxy.receive(now, ev.Meta, ev.Packet)
	} else if ifc := d.downstreams.on(ev.Netdev); ifc != nil {
		d.downstreams.receive(now, ifc, ev)
	} else {
		d.kept.Counters.MLDElsewhere++
	}
}

// mldMalformed counts a message where it came in, and of the device.
func (d *Device) mldMalformed(ev MLDMalformed) {
	d.kept.Counters.MLDMalformed++
	if d.proxy.isOn(ev.Netdev) {
		d.proxy.core.Malformed()
	} else if ifc := d.downstreams.on(ev.Netdev); ifc != nil {
		ifc.router.Malformed()
	}
}

func (d *Device) linkChanged(now instant.Time, ev LinkChanged) {
	old := d.links[ev.Netdev]
	if ev.Exists {
		d.links[ev.Netdev] = ev
	} else {
		delete(d.links, ev.Netdev)
	}
	d.agenda.add(stageDuty, now)
	if d.proxy.isOn(ev.Netdev) {
		d.proxy.setLink(now, ev)
	}
	for _, ifc := range d.downstreams.list {
		if ifc.netdev == ev.Netdev {
			ifc.setLink(now, ev)
		}
	}
	// A new index means that the kernel has dropped the entries through it.
	if old.Exists != ev.Exists || old.Index != ev.Index {
		d.routes.reinstall(now)
	}
}

func (d *Device) bfdChanged(now instant.Time, ev BFDChanged) {
	d.kept.Sessions[ev.Session] = ev.State
	for _, t := range d.trunks.list {
		if t.cfg.BFDSession == ev.Session {
			t.Heard = max(t.Heard, ev.Heard)
			t.core.SetBFD(now, ev.State)
		}
	}
	for _, s := range d.services.list {
		if s.cfg.BFDSession == ev.Session {
			d.enableService(now, s)
		}
	}
}
