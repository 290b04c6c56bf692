package daemon

import (
	"tandem/internal/event"
)

// execute carries out what the device asks for. The order is the device's:
// routes and gate first, so that a hello never announces what is not true yet.
func (d *Daemon) execute() {
	fx := d.device.Effects(d.now())
	d.routing.SetRoutes(fx.Routes)
	if fx.Gate != nil {
		d.routing.SetGate(*fx.Gate)
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
		d.routing.SendMLD(m)
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
