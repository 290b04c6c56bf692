package device

import (
	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

// settle does every stage that is due, always the first one in the order of the agenda. So
// what a stage changes for an earlier one is settled before a later one begins.
func (d *Device) settle(now instant.Time) {
	d.arrivals.follow(now)
	d.agenda.add(stageChannels, now)
	d.settleBut(now, d.waitsForGate)
}

// waitsForGate reports whether a stage must wait until the gate has been handed out. Those
// that go through many records do: listeners would miss packets meanwhile.
func (d *Device) waitsForGate(s stage) bool {
	return d.fx.Gate != nil && (s == stageRecords || s == stageAnnounce)
}

// catchUp does what has waited for the gate to be handed out. It comes before the event, in
// which a router may ask that has lost the querier's duty.
func (d *Device) catchUp(now instant.Time) {
	if d.agenda[stageRecords].IsDue(now) && !d.waitsForGate(stageRecords) {
		d.settleBut(now, func(s stage) bool { return s > stageRecords || d.waitsForGate(s) })
	}
}

// settleBut does every stage that is due and not held back.
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

// refreshAll makes everything due that follows from the settings.
func (d *Device) refreshAll(now instant.Time) {
	for _, s := range []stage{stageDuty, stageGate, stageAnnounce, stageExceptions} {
		d.agenda.add(s, now)
	}
}

// refreshGate hands the gate over.
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
