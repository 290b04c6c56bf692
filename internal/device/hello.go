package device

import (
	"slices"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

func (d *Device) helloReceived(now instant.Time, ev HelloReceived) {
	t := d.trunkOf(ev)
	if t == nil {
		d.kept.Counters.HelloUnknown++
		return
	}
	if t.core.Receive(now, ev.From, ev.VPN, ev.Packet, &d.trunkFx) == nil { // drops are counted there, by cause
		t.Heard = now
	}
	d.sendHellos(t)
}

// trunkOf is the E-Trunk that a hello is for. What is damaged, or for none of ours, goes to the first
// one that has the sender for its peer: there it is counted by its cause.
func (d *Device) trunkOf(ev HelloReceived) *trunk {
	id, err := etrunk.PeekID(ev.Packet)
	if t := d.trunks[id]; err == nil && t != nil {
		return t
	}
	for _, t := range d.order.trunks {
		if slices.ContainsFunc(t.cfg.Paths(), func(p etrunk.Path) bool { return p.ComesFrom(ev.From, ev.VPN) }) {
			return t
		}
	}
	return nil
}

// sendHellos takes over what an E-Trunk's core asked for.
func (d *Device) sendHellos(t *trunk) {
	for _, packet := range d.trunkFx.Packets {
		for _, path := range t.cfg.Paths() {
			d.fx.Hellos = append(d.fx.Hellos, SendHello{ETrunk: t.cfg.ID, Path: path, Packet: packet})
		}
	}
	for _, ev := range d.trunkFx.Events {
		d.tell(trunkEvent(t.cfg.ID, ev))
		t.Lost = t.Lost || ev.Kind == etrunk.PeerLost
		if t.Lost && ev.Kind == etrunk.PeerFound {
			t.Lost, d.kept.Found = false, true
		}
	}
	if d.trunkFx.Changed {
		d.dutyDirty = true
	}
	d.trunkFx.Reset()
}
