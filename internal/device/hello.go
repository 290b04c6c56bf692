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
	t.core.Receive(now, ev.From, ev.VPN, ev.Packet)
}

// trunkOf is the E-Trunk that a hello is for. What is damaged, or for none of ours, goes to the first
// one that has the sender for its peer: there it is counted by its cause.
func (d *Device) trunkOf(ev HelloReceived) *trunk {
	id, err := etrunk.PeekID(ev.Packet)
	if t := d.trunks.get(id); err == nil && t != nil {
		return t
	}
	for _, t := range d.trunks.list {
		if slices.ContainsFunc(t.cfg.Paths(), func(p etrunk.Path) bool { return p.ComesFrom(ev.From, ev.VPN) }) {
			return t
		}
	}
	return nil
}
