package daemon

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/linux/gate"
	"tandem/internal/linux/mroute"
)

// execute carries out what the device asks for. The order is the device's:
// routes and gate first, so that a hello never announces what is not true yet.
func (d *Daemon) execute() {
	fx := d.device.Effects(d.now())
	d.setRoutes(fx.Routes)
	if fx.Gate != nil {
		d.setGate(fx.Gate)
	}
	for _, h := range fx.Handovers {
		d.handedOver(h)
	}
	for _, leg := range fx.Legs {
		if err := d.steer(leg); err != nil {
			d.emit(event.LegNotSteered.With(leg.Netdev, leg.Up, leg.Aside, err))
		}
	}
	for _, m := range fx.MLD {
		d.sendMLD(m)
	}
	for _, h := range fx.Hellos {
		d.sendHello(h)
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

// setRoutes brings the kernel's forwarding cache up to date. An entry whose
// interface is missing is given again by the device when that comes back.
func (d *Daemon) setRoutes(changes []device.RouteChange) {
	if d.multicast == nil {
		return
	}
	joined := 0
	last := translation{route: &d.multicast.kept.route}
	for _, c := range changes {
		set, err := d.setRoute(c, &last)
		if set {
			joined++
		}
		if err != nil {
			d.emit(event.RouteNotSet.With(c.Source, c.Group, c.Delete, err))
		}
	}
	if joined > 0 && !d.reportsAt.IsZero() {
		d.joins.Observe(time.Since(d.reportsAt), joined)
	}
	d.reportsAt = time.Time{}
}

// translation is an entry as the kernel takes it. The interfaces of the next one
// are mostly the same.
type translation struct {
	of    device.RouteChange
	route *mroute.Route
	fits  bool // its upstream interface is in the table
}

// setRoute makes, changes or deletes one entry, and says whether it is there now.
func (d *Daemon) setRoute(c device.RouteChange, last *translation) (bool, error) {
	table := d.multicast.table
	if c.Delete {
		err := table.Delete(c.Source, c.Group)
		if errors.Is(err, mroute.ErrNoRoute) {
			err = nil // somebody else was first
		}
		return false, err
	}
	if last.of.Upstream != c.Upstream || !slices.Equal(last.of.Outgoing, c.Outgoing) {
		last.of, last.fits = c, d.kernelRoute(c, last.route)
	}
	if !last.fits {
		return false, nil
	}
	last.route.Source, last.route.Group = c.Source, c.Group
	err := table.Set(*last.route)
	return err == nil, err
}

// kernelRoute translates an entry, without the interfaces that are not in the
// table. It is false when the upstream interface is none of it.
func (d *Daemon) kernelRoute(c device.RouteChange, r *mroute.Route) bool {
	table := d.multicast.table
	r.Source, r.Group, r.Upstream, r.Outgoing = c.Source, c.Group, d.links.Get(c.Upstream).Index, r.Outgoing[:0]
	for _, name := range c.Outgoing {
		if index := d.links.Get(name).Index; table.HasInterface(index) {
			r.Outgoing = append(r.Outgoing, index)
		}
	}
	return table.HasInterface(r.Upstream)
}

func (d *Daemon) setGate(g *device.Gate) {
	d.wantGate = gate.State{Closed: g.Closed, Bucket0: g.Bucket0, Bucket1: g.Bucket1, Seed: etrunk.HashSeed}
	for _, sg := range g.Orphans {
		d.wantGate.Orphans = append(d.wantGate.Orphans, gate.SG{Source: sg.Source, Group: sg.Group})
	}
	if d.gate == nil {
		return
	}
	if err := d.gate.Apply(d.wantGate); err != nil {
		d.emit(event.GateNotSet.With(err))
		d.gateStale = true
		d.repairAt = time.Now().Add(repairAgain)
	}
}

// repair compares the kernel with what it should hold and mends it.
func (d *Daemon) repair() {
	d.repairAt = time.Now().Add(repairInterval)
	if d.gate != nil {
		before := d.gate.Repairs()
		err := d.gate.Sync(d.wantGate)
		switch {
		case err != nil:
			d.emit(event.GateNotRepaired.With(err))
		case d.gate.Repairs() > before:
			d.emit(event.GateRepaired.With(d.gate.Repairs()))
		}
		if d.gateStale = err != nil; d.gateStale {
			d.repairAt = time.Now().Add(repairAgain)
		}
	}
	if err := d.reconcileTrunks(); err != nil {
		d.emit(event.EthTrunkNotConfigured.With(err))
	}
	if err := d.reconcileAddresses(); err != nil {
		d.emit(event.InterfaceNotConfigured.With(err))
	}
}

func (d *Daemon) sendMLD(m device.SendMLD) {
	link := d.links.Get(m.Netdev)
	if d.multicast == nil || !link.Exists || !link.LinkLocal.IsValid() {
		return
	}
	err := d.multicast.packets.Send(link.Index, link.LinkLocal, m.Destination, m.Payload, m.RouterAlert)
	if err != nil {
		d.emit(event.MLDNotSent.With(m.Netdev, m.Destination, err))
	}
}

func (d *Daemon) sendHello(h device.SendHello) {
	sock := d.hellos[helloPlace{h.Local, h.VPN}]
	if sock == nil { // its VPN instance does not exist
		d.device.Handle(d.now(), device.HelloNotSent{ETrunk: h.ETrunk})
		return
	}
	err := sock.conn.Send(h.Local, netip.AddrPortFrom(h.Peer, sock.port), 0, h.Packet)
	if err == nil {
		return
	}
	d.device.Handle(d.now(), device.HelloNotSent{ETrunk: h.ETrunk})
	d.emit(event.HelloNotSent.With(h.Peer, err))
}
