package daemon

import (
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
)

// execute carries out what the device asks for. The order is the device's:
// routes and gate first, so that a hello never announces what is not true yet.
func (d *Daemon) execute() {
	fx := d.device.Effects(d.now())
	d.setRoutes(fx.Routes)
	if fx.Gate != nil {
		d.setGate(*fx.Gate)
	}
	for _, h := range fx.Handovers {
		d.handedOver(h)
	}
	for _, leg := range fx.Legs {
		if err := d.netif.Steer(leg); err != nil {
			d.emit(event.LegNotSteered.With(leg.Netdev, leg.Up, leg.Aside, err))
		}
	}
	for _, m := range fx.MLD {
		d.sendMLD(m)
	}
	for _, h := range fx.Hellos {
		d.hellos.Send(h)
	}
	for _, ch := range fx.Channels {
		d.channels.Serve(ch)
		d.exchangeStatus(ch)
	}
	for _, e := range fx.Events {
		d.emit(e)
	}
	if len(fx.Events) > 0 {
		d.refreshAlarms()
	}
}

// setRoutes has the forwarding plane follow the device.
func (d *Daemon) setRoutes(changes []device.RouteChange) {
	if d.multicast == nil {
		return
	}
	if len(changes) > 0 {
		joined := d.multicast.plane.SetRoutes(changes)
		if joined > 0 && !d.reportsAt.IsZero() {
			d.joins.Observe(time.Since(d.reportsAt), joined)
		}
	}
	d.reportsAt = time.Time{}
}

func (d *Daemon) setGate(g device.Gate) {
	d.wantGate = g
	if d.multicast != nil {
		d.multicast.plane.SetGate(g)
	}
}

func (d *Daemon) sendMLD(m device.SendMLD) {
	link := d.links.Get(m.Netdev)
	if d.multicast == nil || !link.Exists || !link.LinkLocal.IsValid() {
		return
	}
	err := d.multicast.mld.Send(m, link.Index, link.LinkLocal)
	if err != nil {
		d.emit(event.MLDNotSent.With(m.Netdev, m.Destination, err))
	}
}
