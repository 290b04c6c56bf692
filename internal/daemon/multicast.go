package daemon

import (
	"context"
	"errors"
	"fmt"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/gate"
	"tandem/internal/linux/inherit"
	"tandem/internal/linux/links"
	"tandem/internal/linux/mroute"
	"tandem/internal/linux/packet"
)

// multicast is what `multicast ipv6 routing-enable` opens: the kernel's
// forwarding table and the MLD socket.
type multicast struct {
	table   *mroute.Table
	packets *packet.Conn
	joined  map[int]bool // by interface index
	kept    *kept
}

// openMulticast takes the kernel's multicast routing table. Only one process
// may hold it.
func (d *Daemon) openMulticast() error {
	if d.multicast != nil {
		return nil
	}
	table, packets, joined, err := d.openSockets()
	if err != nil {
		return err
	}
	k, err := newKept()
	if err != nil {
		table.Close()
		packets.Close()
		return fmt.Errorf("multicast routing: %w", err)
	}
	g, err := gate.Open()
	if err == nil {
		err = g.Sync(d.wantGate)
	}
	if err != nil {
		table.Close()
		k.close()
		packets.Close()
		return fmt.Errorf("gate: %w", err)
	}
	d.gate = g
	d.multicast = &multicast{table: table, packets: packets, joined: joined, kept: k}
	m := d.multicast
	d.readers.Go("upcalls", func(ctx context.Context) error { return d.readUpcalls(ctx, table) })
	d.readers.Go("MLD", func(ctx context.Context) error { return d.readMLD(ctx, packets) })
	d.tasks.Go("audit", func(ctx context.Context) error { return d.auditTable(ctx, m) })
	d.tasks.Go("route monitor", func(ctx context.Context) error { return d.watchTable(ctx, m) })
	return nil
}

// openSockets takes over what a daemon before this one had open, or opens it.
func (d *Daemon) openSockets() (*mroute.Table, *packet.Conn, map[int]bool, error) {
	if table, packets, ok := d.inheritSockets(); ok {
		return table, packets, d.legacy.Joined, nil
	}
	table, err := mroute.Open(0)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("multicast routing: %w", err)
	}
	packets, err := packet.Open()
	if err != nil {
		table.Close()
		return nil, nil, nil, fmt.Errorf("MLD socket: %w", err)
	}
	return table, packets, make(map[int]bool), nil
}

func (d *Daemon) inheritSockets() (*mroute.Table, *packet.Conn, bool) {
	if d.legacy == nil {
		return nil, nil, false
	}
	routes, reports := d.legacy.files.One(mrouteFile), d.legacy.files.One(mldFile)
	if routes == nil || reports == nil {
		return nil, nil, false
	}
	fd, err := inherit.Descriptor(routes)
	if err != nil {
		return nil, nil, false
	}
	table := mroute.Adopt(fd, d.legacy.Interfaces)
	if fd, err = inherit.Descriptor(reports); err == nil {
		var packets *packet.Conn
		if packets, err = packet.Adopt(fd); err == nil {
			return table, packets, true
		}
	}
	table.Close()
	return nil, nil, false
}

func (d *Daemon) closeMulticast() {
	if d.multicast == nil {
		return
	}
	d.multicast.packets.Close()
	d.multicast.table.Close()
	d.multicast.kept.close()
	if err := d.gate.Close(true); err != nil {
		d.emit(event.GateNotRemoved.With(err))
	}
	d.multicast, d.gate = nil, nil
}

// attach makes the existing interfaces of the configuration, and no others,
// multicast interfaces of the kernel, and listens for MLD on them.
func (d *Daemon) attach() error {
	if d.multicast == nil {
		return nil
	}
	wanted := make(map[int]bool)
	for _, name := range d.multicastNetdevs() {
		if link := d.links.Get(name); link.Exists {
			wanted[link.Index] = true
		}
	}
	for index := range d.multicast.joined {
		if !wanted[index] {
			delete(d.multicast.joined, index)
			// Both fail when the interface has gone, and with it what they undo.
			_ = d.multicast.table.DelInterface(index)
			_ = d.multicast.packets.Leave(index)
		}
	}
	var errs []error
	for index := range wanted {
		if d.multicast.joined[index] {
			continue
		}
		if err := d.multicast.table.AddInterface(index); err != nil {
			errs = append(errs, fmt.Errorf("interface index %d: %w", index, err))
			continue
		}
		if err := d.multicast.packets.Join(index); err != nil {
			errs = append(errs, fmt.Errorf("interface index %d: %w", index, err))
			continue
		}
		d.multicast.joined[index] = true
	}
	return errors.Join(errs...)
}

// linksChanged tells everybody of links that came, changed or went.
func (d *Daemon) linksChanged(changed []links.Link) {
	vpns := d.vpnIndices()
	d.links.Update(changed)
	if err := d.attach(); err != nil {
		d.emit(event.InterfaceNotConfigured.With(err))
	}
	for _, l := range changed {
		index := l.Index
		if !l.Exists {
			index = 0
		}
		d.bfd.SetLink(l.Name, index, d.links.Carries(l))
		d.tellLink(l)
		if bond := d.links.Get(d.links.Name(l.Master)); bond.Bond != nil {
			d.bfd.SetLink(bond.Name, bond.Index, d.links.Carries(bond))
			d.tellLink(bond)
		}
	}
	d.trunksChanged(changed)
	d.vpnsChanged(vpns, changed)
	d.prepareLinks(changed)
}

// tellLink tells the device of a link.
func (d *Daemon) tellLink(l links.Link) {
	d.device.Handle(d.now(), device.LinkChanged{
		Netdev: l.Name, Exists: l.Exists, Index: l.Index, AdminUp: l.AdminUp, LinkLocal: l.LinkLocal,
		Up: d.links.Carries(l) && !d.bfd.Lost(l.Name), LACP: l.Bond != nil && l.Bond.Mode == links.BondLACP,
		Apart: d.trunks.apart[l.Name], Key: d.trunks.keys[l.Name],
	})
}

// followSession tells the device of an interface that is taken for down since a BFD session
// on it has failed, or no longer.
func (d *Daemon) followSession(netdev string) {
	if link := d.links.Get(netdev); link.Up {
		d.emit(event.InterfaceFollowsBFD.With(netdev, !d.bfd.Lost(netdev)))
		d.tellLink(link)
	}
}
