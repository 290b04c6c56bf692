package device

import (
	"math/rand/v2"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// Device is one router of a pair. It is not safe for concurrent use: one
// goroutine owns it.
type Device struct {
	id       uint64
	boot     uint64
	clock    *rbs.Clock
	settings Settings
	kept     DeviceKept

	links       map[string]LinkChanged // by Linux name
	downstreams map[string]*downstream // by configured name
	numbered    uint32                 // downstreams so far
	upstream    *upstream
	trunks      map[uint32]*trunk
	services    map[string]*service
	order       order
	routes      *routeTable
	orphans     orphanage

	// What the end of an event must look at again.
	dutyDirty, gateDirty, orphansDirty, routesDirty bool
	behind                                          bool         // the queriers, with their duty: first the gate must be handed out
	wake                                            instant.Time // earliest deadline of the device's own

	fx      *Effects // being collected
	taken   *Effects // handed out last
	mldFx   mld.Effects
	trunkFx etrunk.Effects

	observer func(string, Outcome) // see Observe
	replayed bool                  // see Replay
}

// DeviceKept is what a device knows beside its parts.
type DeviceKept struct {
	Started  instant.Time
	Sessions map[string]etrunk.BFDState // by the name of the BFD session
	Retiring bool

	// What is to be announced, see announce.
	Found       bool // a peer that had been lost, since AnnouncedAt
	Strangers   bool // hosts may have come over that only the peer knew
	AnnouncedAt instant.Time

	Counters Counters
}

// Counters count what belongs to no core.
type Counters struct {
	MLDElsewhere    uint64 // MLD on an interface without it
	MLDMalformed    uint64
	StreamElsewhere uint64 // upcall from an interface that is not upstream
	StreamsSilent   uint64 // entries dropped as no packet came
	HelloUnknown    uint64 // E-Trunk packet that no E-Trunk here takes
}

// New returns a device with nothing configured. The id must be non-zero, the
// same after every restart, and unlike the peer's; boot is random, unlike that
// of every earlier boot. now is a reading of the
// monotonic clock, as every call is given one; wall is the wall clock's reading at the same
// moment. It is not read again.
func New(id, boot uint64, wall time.Time, now instant.Time) *Device {
	return &Device{
		id:          id,
		boot:        boot,
		kept:        DeviceKept{Started: now, Sessions: make(map[string]etrunk.BFDState)},
		clock:       rbs.NewClock(wall, now),
		links:       make(map[string]LinkChanged),
		downstreams: make(map[string]*downstream),
		trunks:      make(map[uint32]*trunk),
		services:    make(map[string]*service),
		fx:          &Effects{},
		taken:       &Effects{},
		routes:      newRouteTable(boot),
	}
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
		d.streamArrived(now, ev)
	case StreamsSilent:
		d.streamsSilent(ev)
	case HelloReceived:
		d.helloReceived(now, ev)
	case BFDChanged:
		d.bfdChanged(now, ev)
	case HelloNotSent:
		if t := d.trunks[ev.ETrunk]; t != nil {
			t.core.SendFailed(ev.Path)
		}
	case Switchover:
		d.switchover(now, ev.ETrunk, ev.On)
	case Retire:
		d.retire()
	case Replicated:
		d.replicated(now, ev)
	default:
		d.channelEvent(now, ev)
	}
	d.settle(now)
}

// catchUp does what has waited for the gate to be handed out, before a router asks that may
// not any more.
func (d *Device) catchUp(now instant.Time) {
	if d.behind && d.fx.Gate == nil {
		d.refreshDuty(now)
		d.dutyDirty = true
	}
}

// Advance does everything that is due. It may be called early or late.
func (d *Device) Advance(now instant.Time) {
	if d.wake.IsDue(now) {
		d.wake = instant.Never
		d.dutyDirty = true
	}
	d.catchUp(now)
	for _, ifc := range d.order.downstreams {
		ifc.router.Advance(now, d.version(now), &d.mldFx)
		d.applyMLD(now, ifc)
	}
	d.advanceProxy(now)
	for _, t := range d.order.trunks {
		t.core.Advance(now, &d.trunkFx)
		d.sendHellos(t)
	}
	d.expireIdle(now)
	d.settle(now)
}

// Deadline is when Advance must next be called, Never when nothing is waited for.
func (d *Device) Deadline() instant.Time {
	at := instant.Earliest(d.wake, d.orphans.dueAt)
	for _, ifc := range d.order.downstreams {
		at = instant.Earliest(at, ifc.router.Deadline())
	}
	if d.upstream != nil {
		at = instant.Earliest(at, d.upstream.proxy.Deadline())
	}
	for _, t := range d.order.trunks {
		at = instant.Earliest(at, t.core.Deadline())
	}
	for _, s := range d.order.services {
		at = instant.Earliest(at, s.core.Deadline())
	}
	if len(d.routes.idle) > 0 {
		if r := d.routes.get(d.routes.idle[0]); r != nil && r.Origin == RouteIdle {
			at = instant.Earliest(at, r.Since.Add(idleLife))
		}
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

// settle brings what depends on several parts in line after an event. The
// order matters: a duty may open the gate, which makes orphans superfluous.
func (d *Device) settle(now instant.Time) {
	for d.dutyDirty {
		d.refreshDuty(now)
		d.announce(now)
	}
	d.pumpServices(now)
	if d.routesDirty && len(d.orphans.overdue) > 0 {
		d.orphansSoon(now)
	}
	if d.orphansDirty || d.orphans.dueAt.IsDue(now) {
		d.refreshOrphans(now)
	}
	d.routesDirty, d.orphansDirty = false, false
	d.refreshGate()
}

// random returns a source that differs from boot to boot.
func (d *Device) random(purpose uint64) *rand.PCG { return rand.NewPCG(d.boot, d.id^purpose) }

// wakeAt has the duty worked out anew at a moment, unless it is before: whoever wants to be
// woken later than that has to ask again then.
func (d *Device) wakeAt(at instant.Time) {
	d.wake = instant.Earliest(d.wake, at)
}

// before reports whether a moment is yet to come, and has the duty worked out anew then.
func (d *Device) before(now, at instant.Time) bool {
	if now < at {
		d.wakeAt(at)
		return true
	}
	return false
}

func (d *Device) tell(e event.Event) { d.fx.Events = append(d.fx.Events, e) }

// version stamps a change that this device has heard.
func (d *Device) version(now instant.Time) mld.Version {
	return mld.Version{Clock: uint64(d.clock.Now(now)), Device: d.id}
}

func (d *Device) linkChanged(now instant.Time, ev LinkChanged) {
	old := d.links[ev.Netdev]
	if ev.Exists {
		d.links[ev.Netdev] = ev
	} else {
		delete(d.links, ev.Netdev)
	}
	d.dutyDirty = true
	if u := d.upstream; u != nil && u.netdev == ev.Netdev {
		u.setLink(now, ev)
	}
	for _, ifc := range d.order.downstreams {
		if ifc.netdev == ev.Netdev {
			ifc.setLink(now, ev, &d.mldFx)
			d.applyMLD(now, ifc)
		}
	}
	// A new index means that the kernel has dropped the entries through it.
	if old.Exists != ev.Exists || old.Index != ev.Index {
		d.reinstall()
	}
}

func (d *Device) bfdChanged(now instant.Time, ev BFDChanged) {
	d.kept.Sessions[ev.Session] = ev.State
	for _, t := range d.order.trunks {
		if t.cfg.BFDSession == ev.Session {
			t.Heard = max(t.Heard, ev.Heard)
			t.core.SetBFD(now, ev.State, &d.trunkFx)
			d.sendHellos(t)
		}
	}
	for _, s := range d.order.services {
		if s.cfg.BFDSession == ev.Session {
			d.enableService(now, s)
		}
	}
}

// bfdState is what is known of a session that an E-Trunk is bound to.
func (d *Device) bfdState(session string) etrunk.BFDState {
	if session == "" {
		return etrunk.BFDUnbound
	}
	if state, ok := d.kept.Sessions[session]; ok {
		return state
	}
	return etrunk.BFDPending
}

// refreshGate hands the gate over when it has changed.
func (d *Device) refreshGate() {
	if !d.gateDirty {
		return
	}
	d.gateDirty = false
	gate := &Gate{}
	for _, ifc := range d.order.downstreams {
		switch d.dutyOf(ifc).Covers {
		case etrunk.NoBuckets:
			gate.Closed = append(gate.Closed, ifc.netdev)
		case etrunk.Bucket0:
			gate.Bucket0 = append(gate.Bucket0, ifc.netdev)
		case etrunk.Bucket1:
			gate.Bucket1 = append(gate.Bucket1, ifc.netdev)
		}
	}
	gate.Exceptions = d.orphans.Current
	d.fx.Gate = gate
}
