package daemon

import (
	"context"
	"fmt"
	"time"

	"tandem/internal/config"
	"tandem/internal/daemon/netif"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/links"
	"tandem/internal/state"
)

// readLinks takes note of the links that come, change and go.
func (d *Daemon) readLinks(ctx context.Context) error {
	for {
		changed, err := d.netif.Read()
		if err != nil {
			if d.mayReadOn(ctx, "link monitor", err) {
				continue
			}
			return nil
		}
		if d.turn(func() { d.linksChanged(changed) }) != nil {
			return nil
		}
	}
}

// linksChanged takes note of links that came, changed or went.
func (d *Daemon) linksChanged(changed []links.Link) {
	rebuild := d.netif.Update(changed)
	if err := d.routing.SetInterfaces(d.translate(d.model).Multicast()); err != nil {
		d.emit(event.InterfaceNotConfigured.With(err))
	}
	if rebuild {
		d.applyAgain()
	}
}

// advanceLinks does what is due about interfaces.
func (d *Daemon) advanceLinks(now time.Time) {
	if d.netif.Advance(now) {
		d.applyAgain()
	}
}

// applyAgain applies the configuration in force again: its names mean other links.
func (d *Daemon) applyAgain() {
	if err := d.configure(d.model); err != nil {
		d.emit(event.InterfaceNotConfigured.With(err))
	}
}

// linkNews passes on what the interfaces' owner tells.
type linkNews struct{ *Daemon }

var _ netif.News = linkNews{}

// LinkChanged tells BFD and the device of a link.
func (n linkNews) LinkChanged(l device.LinkChanged) {
	index := l.Index
	if !l.Exists {
		index = 0
	}
	n.bfd.SetLink(l.Netdev, index, l.Up)
	n.tellLink(l)
}

// Emit logs an event.
func (n linkNews) Emit(e event.Event) { n.emit(e) }

// tellLink tells the device of a link. One of which a BFD session was lost is down for it.
func (d *Daemon) tellLink(l device.LinkChanged) {
	l.Up = l.Up && !d.bfd.Lost(l.Netdev)
	d.device.Handle(d.now(), l)
}

// followSession tells the device of an interface that is taken for down since a BFD session
// on it has failed, or no longer.
func (d *Daemon) followSession(netdev string) {
	if link := d.links.Get(netdev); link.Up {
		d.emit(event.InterfaceFollowsBFD.With(netdev, !d.bfd.Lost(netdev)))
		d.tellLink(d.netif.Told(link))
	}
}

// Interfaces lists the interfaces of the configuration and of the system.
func (d *Daemon) Interfaces() []state.Interface {
	var infos []state.Interface
	_ = d.call(func() { infos = d.interfaceInfos() })
	if err := netif.CountTraffic(infos); err != nil { // outside the turn: none is to wait for it
		d.emit(event.CountersNotRead.With(err))
	}
	return infos
}

func (d *Daemon) interfaceInfos() []state.Interface {
	infos := d.netif.Interfaces()
	for i := range infos {
		infos[i].BFDDown = d.bfd.Lost(infos[i].Netdev)
	}
	return infos
}

// EthTrunk returns what a configured Eth-Trunk is in the kernel.
func (d *Daemon) EthTrunk(number uint32) (state.EthTrunk, error) {
	var info state.EthTrunk
	var err error
	name := config.EthTrunkName(number)
	if stopped := d.call(func() {
		if d.model.Interfaces[name] == nil {
			err = fmt.Errorf("%s is not configured; known: %s", name, known(ethTrunks(d.model)))
			return
		}
		info, err = d.netif.EthTrunk(name)
	}); stopped != nil {
		return info, stopped
	}
	return info, err
}

func ethTrunks(m *config.Model) map[config.InterfaceName]bool {
	trunks := make(map[config.InterfaceName]bool)
	for name := range m.Interfaces {
		if _, ok := name.EthTrunk(); ok {
			trunks[name] = true
		}
	}
	return trunks
}
