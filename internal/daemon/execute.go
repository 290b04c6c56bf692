package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/linux/gate"
	"tandem/internal/linux/mroute"
)

// execute carries out what the device asks for. The order is the device's:
// routes and gate first, so that a hello never announces what is not true yet.
func (d *Daemon) execute() {
	fx := d.device.Effects()
	d.setRoutes(fx.Routes)
	if fx.Gate != nil {
		d.setGate(fx.Gate)
	}
	for _, leg := range fx.Legs {
		if err := d.steer(leg); err != nil {
			d.log.Error("leg not steered", "netdev", leg.Netdev, "up", leg.Up, "aside", leg.Aside, "err", err)
		}
	}
	for _, m := range fx.MLD {
		d.sendMLD(m)
	}
	for _, h := range fx.Hellos {
		d.sendHello(h)
	}
	for _, ch := range fx.Channels {
		d.serveChannel(ch)
	}
	for _, n := range fx.Notices {
		level := slog.LevelInfo
		if n.Alarm {
			level = slog.LevelWarn
		}
		d.log.Log(context.Background(), level, n.Name, "detail", n.Detail)
	}
}

// setRoutes brings the kernel's forwarding cache up to date. An entry whose
// interface is missing is given again by the device when that comes back.
func (d *Daemon) setRoutes(changes []device.RouteChange) {
	if d.multicast == nil {
		return
	}
	r := &d.multicast.kept.route
	for _, c := range changes {
		var err error
		if c.Delete {
			if err = d.multicast.table.Delete(c.Source, c.Group); errors.Is(err, mroute.ErrNoRoute) {
				err = nil // somebody else was first
			}
		} else if d.kernelRoute(c, r) {
			err = d.multicast.table.Set(*r)
		}
		if err != nil && d.sendLimit.allow() {
			d.log.Error("forwarding entry not set", "source", c.Source, "group", c.Group, "delete", c.Delete, "err", err)
		}
	}
}

// kernelRoute translates an entry, without the interfaces that are not in the
// table. It is false when the upstream interface is none of it.
func (d *Daemon) kernelRoute(c device.RouteChange, r *mroute.Route) bool {
	table := d.multicast.table
	r.Source, r.Group, r.Upstream, r.Outgoing = c.Source, c.Group, d.netdevs[c.Upstream].Index, r.Outgoing[:0]
	for _, name := range c.Outgoing {
		if index := d.netdevs[name].Index; table.HasInterface(index) {
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
		d.log.Error("gate not set, will be repaired", "err", err)
		d.gateStale = true
		d.repairAt = time.Now().Add(100 * time.Millisecond)
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
			d.log.Error("gate not repaired", "err", err)
		case d.gate.Repairs() > before:
			d.log.Warn("gate repaired: somebody else had changed it", "repairs", d.gate.Repairs())
		}
		d.gateStale = d.gateStale && err != nil
	}
	if err := d.reconcileTrunks(); err != nil && d.sendLimit.allow() {
		d.log.Error("Eth-Trunk not repaired", "err", err)
	}
	if err := d.reconcileAddresses(); err != nil && d.sendLimit.allow() {
		d.log.Error("addresses not repaired", "err", err)
	}
}

func (d *Daemon) sendMLD(m device.SendMLD) {
	link := d.netdevs[m.Netdev]
	if d.multicast == nil || !link.Exists || !link.LinkLocal.IsValid() {
		return
	}
	err := d.multicast.packets.Send(link.Index, link.LinkLocal, m.Destination, m.Payload, m.RouterAlert)
	if err != nil && d.sendLimit.allow() {
		d.log.Warn("MLD message not sent", "netdev", m.Netdev, "to", m.Destination, "err", err)
	}
}

func (d *Daemon) sendHello(h device.SendHello) {
	sock := d.hellos[h.Local]
	if sock == nil {
		return
	}
	err := sock.conn.Send(h.Local, netip.AddrPortFrom(h.Peer, sock.port), 0, h.Packet)
	if err == nil {
		return
	}
	d.device.Handle(d.now(), device.HelloNotSent{ETrunk: h.ETrunk})
	if d.sendLimit.allow() && !errors.Is(err, errStopped) {
		d.log.Warn("E-Trunk hello not sent", "to", h.Peer, "err", err)
	}
}

// limiter lets one log line a second through.
type limiter struct{ next time.Time }

func (l *limiter) allow() bool {
	now := time.Now()
	if now.Before(l.next) {
		return false
	}
	l.next = now.Add(time.Second)
	return true
}
