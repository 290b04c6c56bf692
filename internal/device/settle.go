package device

import (
	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

// settle does every stage that is due, always the first one in the order of the agenda.
// So if a stage makes an earlier one due, that one is done before any later stage.
func (d *Device) settle(now instant.Time) {
	d.arrivals.follow(now)
	d.agenda.add(stageChannels, now)
	d.settleBut(now, d.waitsForGate)
}

// waitsForGate reports whether a stage must wait until the caller has fetched the gate.
// The stages that go through many records wait, because listeners would miss packets
// during that time.
func (d *Device) waitsForGate(s stage) bool {
	return d.fx.Gate != nil && (s == stageRecords || s == stageAnnounce)
}

// catchUp does the stages that have waited until the gate was fetched. It runs before the
// next event is handled, because in that event a router that has lost the querier's duty
// might still send a query.
func (d *Device) catchUp(now instant.Time) {
	if d.agenda[stageRecords].IsDue(now) && !d.waitsForGate(stageRecords) {
		d.settleBut(now, func(s stage) bool { return s > stageRecords || d.waitsForGate(s) })
	}
}

// settleBut does every stage that is due, except those for which held is true.
func (d *Device) settleBut(now instant.Time, held func(stage) bool) {
	for s, due := d.agenda.take(now, held); due; s, due = d.agenda.take(now, held) {
		switch s {
		case stageDuty:
			d.duties.refresh(now)
		case stageGate:
			d.refreshGate()
		case stageRecords:
			d.upkeep.refresh(now)
		case stageAnnounce:
			d.announce(now)
		case stageChannels:
			d.services.pump(now)
		case stageRoutes:
			d.exceptions.follow(now)
		case stageExceptions:
			d.exceptions.refresh(now)
		}
	}
}

// refreshAll makes every stage due that depends on the settings.
func (d *Device) refreshAll(now instant.Time) {
	for _, s := range []stage{stageDuty, stageGate, stageAnnounce, stageExceptions} {
		d.agenda.add(s, now)
	}
}

// refreshGate puts the gate into the effects.
func (d *Device) refreshGate() {
	gate := &Gate{Exceptions: d.arrivals.exceptions(d.exceptions)}
	for _, ifc := range d.downstreams.list {
		switch ifc.duty().Covers {
		case etrunk.NoBuckets:
			gate.Closed = append(gate.Closed, ifc.netdev)
		case etrunk.Bucket0:
			gate.Bucket0 = append(gate.Bucket0, ifc.netdev)
		case etrunk.Bucket1:
			gate.Bucket1 = append(gate.Bucket1, ifc.netdev)
		}
	}
	d.fx.Gate = gate
}
