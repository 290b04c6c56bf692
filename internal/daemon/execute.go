package daemon

import "tandem/internal/event"

// execute carries out the effects of the device in the order that the device needs: routes and
// gate first, so that no hello announces a state that is not yet true.
func (o *owners) execute() {
	fx := o.router.Effects()
	o.routing.SetRoutes(fx.Routes)
	if fx.Gate != nil {
		o.routing.SetGate(*fx.Gate)
	}
	if len(fx.Look)+len(fx.Missed) > 0 {
		o.routing.LookAt(fx.Look, fx.Missed)
	}
	for _, h := range fx.Handovers {
		o.handedOver(h)
	}
	for _, leg := range fx.Legs {
		if err := o.netif.Steer(leg); err != nil {
			o.opts.Journal.Emit(event.LegNotSteered.With(leg.Netdev, leg.Up, leg.Aside, err))
		}
	}
	for _, m := range fx.MLD {
		o.routing.SendMLD(m)
	}
	for _, h := range fx.Hellos {
		o.hellos.Send(h)
	}
	for _, ch := range fx.Channels {
		o.channels.Serve(ch)
		o.exchangeStatus(ch)
	}
	for _, e := range fx.Events {
		o.opts.Journal.Emit(e)
	}
	if len(fx.Events) > 0 {
		o.refreshAlarms()
	}
}
