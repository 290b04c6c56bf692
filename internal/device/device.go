package device

import (
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/proof"
	"tandem/internal/rbs"
)

// Device is one router of a pair. It is not safe for concurrent use: one
// goroutine owns it.
type Device struct {
	*ground
	proxy       *proxy
	downstreams *downstreams
	trunks      *trunks
	services    *replication
	routes      *routing
	exceptions  *exceptions
	arrivals    *arrivals
	duties      *duties
	upkeep      *upkeep

	taken *Effects // the effects that Effects returned last
}

// New returns a device with nothing configured. id must be non-zero, the same after every
// restart, and different from the peer's. boot is a random number for this boot. now is a
// reading of the monotonic clock, as in every other call. wall is the wall clock's
// reading at the same moment; the device does not read it again.
func New(id, boot uint64, wall time.Time, now instant.Time) *Device {
	g := &ground{
		id:    id,
		boot:  boot,
		kept:  Kept{Started: now, Sessions: make(map[string]etrunk.BFDState)},
		clock: rbs.NewClock(wall, now),
		links: make(map[string]LinkChanged),
		fx:    &Effects{},
	}
	d := &Device{ground: g, proxy: &proxy{ground: g}, downstreams: &downstreams{ground: g}, trunks: &trunks{ground: g}, taken: &Effects{}}
	d.routes = &routing{ground: g, table: newRouteTable(boot), downstreams: d.downstreams, upstream: d.proxy}
	d.exceptions = &exceptions{ground: g, downstreams: d.downstreams, routes: d.routes.table}
	d.arrivals = &arrivals{ground: g, routes: d.routes, flowing: make(map[SourceGroup]proof.Sight)}
	d.services = &replication{ground: g, exceptions: d.exceptions, arrivals: d.arrivals}
	d.arrivals.services, d.routes.arrivals = d.services, d.arrivals
	d.duties = &duties{ground: g, trunks: d.trunks, services: d.services, downstreams: d.downstreams, upstream: d.proxy}
	d.upkeep = &upkeep{ground: g, trunks: d.trunks, services: d.services, downstreams: d.downstreams}
	d.downstreams.followers = follow{d.routes, d.exceptions}
	return d
}

// Handle handles one event. The resulting effects are added to [Device.Effects].
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
	case StreamsWatched:
		d.arrivals.setWatched(now, ev.On)
	case StreamsSeen:
		d.arrivals.seen(now, ev.Streams)
	case HelloReceived:
		d.trunks.receive(now, ev)
	case BFDChanged:
		d.bfdChanged(now, ev)
	case HelloNotSent:
		if t := d.trunks.get(ev.ETrunk); t != nil {
			t.core.SendFailed(ev.Path)
		}
	case Switchover:
		d.duties.switchover(now, ev.ETrunk, ev.On)
	case ResetGroups:
		d.downstreams.reset(now, ev)
	case Withdraw:
		d.duties.withdraw(now, ev)
	case Retire:
		d.duties.retire(now)
	case Replicated:
		d.services.replay(now, ev)
	default:
		d.services.handle(now, ev)
	}
	d.settle(now)
}

// Advance does everything that is due. It may be called early or late.
func (d *Device) Advance(now instant.Time) {
	d.catchUp(now)
	for _, ifc := range d.downstreams.list {
		ifc.router.Advance(now)
		ifc.lookAtHearing(now, ifc.member != nil)
	}
	d.proxy.advance(now)
	d.trunks.advance(now)
	d.routes.expireIdle(now)
	d.arrivals.advance(now)
	d.settle(now)
}

// Deadline returns when Advance must be called next, Never if no timer runs.
func (d *Device) Deadline() instant.Time {
	at := instant.Earliest(d.agenda.deadline(), d.proxy.deadline(), d.routes.deadline(), d.trunks.deadline(), d.services.deadline())
	for _, ifc := range d.downstreams.list {
		at = instant.Earliest(at, ifc.router.Deadline(), ifc.hearing.lookAt)
	}
	return at
}

// Effects returns the effects since its last call. The result is valid until Effects is
// called again, even if events are handled in between.
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

// mldMalformed counts a malformed MLD message for the interface on which it came in.
func (d *Device) mldMalformed(ev MLDMalformed) {
	d.kept.Counters.MLDMalformed++
	if d.proxy.isOn(ev.Netdev) {
		d.proxy.malformed()
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
	// A new index means that the interface was made again, so the kernel has dropped the
	// entries with it.
	if old.Exists != ev.Exists || old.Index != ev.Index {
		d.routes.reinstall(now)
	}
}

func (d *Device) bfdChanged(now instant.Time, ev BFDChanged) {
	d.kept.Sessions[ev.Session] = ev.State
	d.trunks.setBFD(now, ev)
	d.services.setBFD(now, ev.Session)
}

// Observe makes the device call f for each outcome of a replication connection, for a
// recording. f must not keep the record's sources.
func (d *Device) Observe(f func(service string, o Outcome)) { d.services.observer = f }

// Replay makes a new device one that replays a recording: it makes no connections.
func (d *Device) Replay() { d.services.replayed = true }

// Retired reports whether, after [Retire], this device can be switched off without loss:
// the peer has taken over, or no device could.
func (d *Device) Retired() bool { return d.duties.retired() }

// Loses lists the members that serve now and that the new settings would keep from
// serving.
func (d *Device) Loses(settings Settings) []Member { return d.duties.loses(settings) }

// Withdrawn reports whether the change for which members were told to [Withdraw] can be
// made: the peer has taken over, or no device could.
func (d *Device) Withdrawn() bool { return d.duties.withdrawn() }
