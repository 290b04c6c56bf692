package device

import (
	"time"

	"tandem/internal/event"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

func (d *Device) mldReceived(now instant.Time, ev *MLDReceived) {
	if d.upstream.isOn(ev.Netdev) {
		d.upstream.receive(now, ev.Meta, ev.Packet)
		return
	}
	for _, ifc := range d.order.downstreams {
		if ifc.netdev == ev.Netdev {
			ifc.router.SetRoom(d.room(ifc))
			ifc.router.Receive(now, ev.Meta, ev.Packet)
			d.noteRefusals(now, ifc)
			return
		}
	}
	d.kept.Counters.MLDElsewhere++
}

// mldMalformed counts a message where it came in, and of the device.
func (d *Device) mldMalformed(ev MLDMalformed) {
	d.kept.Counters.MLDMalformed++
	if d.upstream.isOn(ev.Netdev) {
		d.upstream.core.Malformed()
		return
	}
	for _, ifc := range d.order.downstreams {
		if ifc.netdev == ev.Netdev {
			ifc.router.Malformed()
			return
		}
	}
}

// room is how many records hosts may bring an interface to, -1 for no bound.
func (d *Device) room(ifc *downstream) int {
	left := d.settings.RecordLimit
	if left == 0 {
		return -1
	}
	for _, other := range d.order.downstreams {
		if other != ifc {
			left -= other.router.Hosts()
		}
	}
	return max(left, 0)
}

// refusalPause is the least time between two notices of refused joins on one interface.
const refusalPause = time.Minute

// noteRefusals tells of joins that the configuration has refused.
func (d *Device) noteRefusals(now instant.Time, ifc *downstream) {
	refused := ifc.router.Refused()
	if refused == ifc.Refused || ifc.Refused != 0 && now < ifc.RefusedAt.Add(refusalPause) {
		return
	}
	drops := ifc.router.State(now).Counters.Drops
	d.tell(event.MLDJoinRefused.With(ifc.name, refused-ifc.Refused, drops.Policy, drops.Access, drops.Limit))
	ifc.Refused, ifc.RefusedAt = refused, now
}

// serviceOf finds the service that is to replicate an interface, nil when none is.
func (d *Device) serviceOf(ifc *downstream) *service {
	p, ok := d.settings.Profiles[ifc.cfg.Profile]
	if !ok || !p.replicates() {
		return nil
	}
	return d.services[p.Service]
}

func (d *Device) replicaKey(ifc *downstream, key mld.Key) rbs.Key {
	return ifc.ledger.key(key)
}

// replicate implements [followers].
func (d *Device) replicate(now instant.Time, ifc *downstream, changed []mld.Key) {
	if ifc.service == nil {
		return
	}
	for _, key := range changed {
		ifc.service.core.Dirty(now, d.replicaKey(ifc, key))
	}
}
