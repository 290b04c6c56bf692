package daemon

import (
	"context"
	"fmt"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/links"
	"tandem/internal/task"
)

// firstLinks takes note of the links that there are.
func (o *owners) firstLinks() error {
	all, err := o.netif.Read()
	if err != nil {
		return fmt.Errorf("link monitor: %w", err)
	}
	o.linksChanged(all)
	return nil
}

// readLinks takes note of the links that come, change and go.
func (o *owners) readLinks(ctx context.Context) error {
	failed := func(err error) { o.opts.Journal.Emit(event.SocketFailed.With("link monitor", err)) }
	for {
		changed, err := o.netif.Read()
		if err != nil {
			if task.ReadAgain(ctx, err, failed) {
				continue
			}
			return nil
		}
		if o.loop.Turn(func() { o.linksChanged(changed) }) != nil {
			return nil
		}
	}
}

// linksChanged takes note of links that came, changed or went.
func (o *owners) linksChanged(changed []links.Link) {
	rebuild := o.netif.Update(changed)
	if err := o.routing.SetInterfaces(o.translate(o.model).Multicast()); err != nil {
		o.opts.Journal.Emit(event.InterfaceNotConfigured.With(err))
	}
	if rebuild {
		o.applyAgain()
	}
}

// advanceLinks does what is due about interfaces.
func (o *owners) advanceLinks(now time.Time) {
	if o.netif.Advance(now) {
		o.applyAgain()
	}
}

// applyAgain applies the configuration in force again: its names mean other links.
func (o *owners) applyAgain() {
	if err := o.configure(o.model); err != nil {
		o.opts.Journal.Emit(event.InterfaceNotConfigured.With(err))
	}
}

// interfaceChanged tells the device of an interface that is taken for down since a BFD
// session on it has failed, or no longer.
func (o *owners) interfaceChanged(netdev string) {
	if link := o.links.Get(netdev); link.Up {
		o.opts.Journal.Emit(event.InterfaceFollowsBFD.With(netdev, !o.bfd.Lost(netdev)))
		o.tellLink(o.netif.Told(link))
	}
}

// tellLink tells the device of a link. One of which a BFD session was lost is down for it.
func (o *owners) tellLink(l device.LinkChanged) {
	l.Up = l.Up && !o.bfd.Lost(l.Netdev)
	o.router.Handle(l)
}
