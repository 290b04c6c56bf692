package daemon

import (
	"context"
	"fmt"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/links"
	"tandem/internal/proof"
	"tandem/internal/task"
)

// firstLinks reads the links that exist at the start.
func (o *owners) firstLinks() error {
	all, err := o.netif.Read()
	if err != nil {
		return fmt.Errorf("link monitor: %w", err)
	}
	o.linksChanged(all)
	return nil
}

// readLinks reads the changes of links until ctx ends.
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

// linksChanged handles links that were added, changed or removed.
func (o *owners) linksChanged(changed []links.Link) {
	rebuild := o.netif.Update(changed)
	if err := o.routing.SetInterfaces(o.translate(o.model).Multicast()); err != nil {
		o.opts.Journal.Emit(event.InterfaceNotConfigured.With(err))
	}
	if rebuild {
		o.applyAgain()
	}
}

// advanceLinks does the work on interfaces that is due.
func (o *owners) advanceLinks(now time.Time) {
	if o.netif.Advance(now) {
		o.applyAgain()
	}
}

// applyAgain applies the present configuration again, because its interface names now
// refer to other links.
func (o *owners) applyAgain() {
	if err := o.configure(o.model, true); err != nil {
		o.opts.Journal.Emit(event.InterfaceNotConfigured.With(err))
	}
}

// interfaceChanged reports an interface to the device when it begins or ceases to count
// as down because a BFD session on it has failed.
func (o *owners) interfaceChanged(netdev string) {
	if link := o.links.Get(netdev); link.Up {
		o.opts.Journal.Emit(event.InterfaceFollowsBFD.With(netdev, !o.bfd.Lost(netdev)))
		o.tellLink(o.netif.Told(link))
	}
}

// tellLink reports a link to the device. A link whose BFD session has failed is reported
// as down.
func (o *owners) tellLink(l device.LinkChanged) {
	l.Up = l.Up && !o.bfd.Lost(l.Netdev)
	if l.Exists && l.Lacks == proof.LacksNothing {
		l.Lacks = o.routing.Lack(l.Netdev)
	}
	o.router.Handle(l)
}
