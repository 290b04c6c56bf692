package daemon

import (
	"bytes"
	"errors"
	"fmt"

	"tandem/internal/event"
	"tandem/internal/linux/links"
)

// bond makes or adopts the interface of an Eth-Trunk.
func (v *trunkView) bond(p bondPlan) error {
	o := &v.trunks.owned
	link := v.now[p.netdev]
	if _, ours := o.Created[p.netdev]; ours && link.Bond != nil && link.Bond.Mode != p.bond.Mode {
		// The mode of a bond with ports cannot be changed.
		if err := v.remove(p.netdev); err != nil {
			return err
		}
		link = links.Link{}
	}
	if !link.Exists {
		var err error
		if link, err = v.create(p); err != nil || !link.Exists {
			return err
		}
	}
	if err := v.address(p, link); err != nil {
		return err
	}
	if link.Bond == nil {
		return nil // adopted, and nothing to steer but up and down
	}
	if err := v.settings(p, link); err != nil {
		return err
	}
	var errs []error
	for _, port := range p.ports {
		errs = append(errs, v.port(p, port))
	}
	return errors.Join(errs...)
}

// create makes a bond. On a kernel without bonding the trunk has to be brought
// by somebody else, which is told once.
func (v *trunkView) create(p bondPlan) (links.Link, error) {
	b := p.bond
	actor := p.actor(v.trunks.steered[p.netdev].Aside)
	b.ActorPriority, b.ActorSystem = actor.Priority, actor.System
	err := v.netlink.AddBond(p.netdev, b, p.mac)
	if errors.Is(err, links.ErrNoDriver) {
		v.tell(p.netdev, err)
		return links.Link{}, nil
	}
	if err != nil {
		return links.Link{}, err
	}
	if err := v.look(); err != nil {
		return links.Link{}, err
	}
	v.trunks.owned.Created[p.netdev] = v.now[p.netdev].Index
	delete(v.trunks.lacking, p.netdev)
	return v.now[p.netdev], v.trunks.owned.save(v.opts.RunDir)
}

// tell logs once what cannot be had for an interface.
func (d *Daemon) tell(netdev string, err error) {
	if d.trunks.lacking[netdev] != err.Error() {
		d.trunks.lacking[netdev] = err.Error()
		d.emit(event.InterfaceNotMade.With(netdev, err))
	}
}

// address gives a trunk its configured Ethernet address.
func (v *trunkView) address(p bondPlan, link links.Link) error {
	if p.mac == nil || bytes.Equal(p.mac, link.HardwareAddr) {
		return nil
	}
	if _, known := v.trunks.owned.Addresses[p.netdev]; !known {
		v.trunks.owned.Addresses[p.netdev] = link.HardwareAddr
	}
	return v.netlink.SetHardwareAddr(p.netdev, p.mac)
}

// settings brings a bond's settings about. Of an adopted bond only the LACP
// system is touched, and only where it is a member and meant to speak LACP.
func (v *trunkView) settings(p bondPlan, link links.Link) error {
	_, ours := v.trunks.owned.Created[p.netdev]
	is := link.Bond
	if ours && is.Monitor != p.bond.Monitor {
		if err := v.netlink.SetMonitor(p.netdev, p.bond.Monitor); err != nil {
			return err
		}
	}
	if p.bond.Mode != links.BondLACP || is.Mode != links.BondLACP {
		return nil
	}
	if ours && (is.Fast != p.bond.Fast || !is.Hidden && is.ActorKey != p.bond.ActorKey) {
		if err := v.whileDown(link, func() error { return v.netlink.SetLACP(p.netdev, p.bond.Fast, p.bond.ActorKey) }); err != nil {
			return err
		}
	}
	if !ours && !p.member {
		return nil
	}
	return v.setActor(p, link)
}

// whileDown changes what can be changed only while a bond is down.
func (v *trunkView) whileDown(link links.Link, change func() error) error {
	if !link.AdminUp {
		return change()
	}
	err := v.netlink.SetUp(link.Name, false)
	if err == nil {
		err = errors.Join(change(), v.netlink.SetUp(link.Name, true))
	}
	return err
}

// setActor gives a bond the LACP system that the leg's state wants.
func (d *Daemon) setActor(p bondPlan, link links.Link) error {
	want := p.actor(d.trunks.steered[p.netdev].Aside)
	is := ownedActor{link.Bond.ActorPriority, link.Bond.ActorSystem}
	if link.Bond.Hidden {
		is = d.trunks.actors[p.netdev]
	}
	if is == want {
		return nil
	}
	_, ours := d.trunks.owned.Created[p.netdev]
	if _, known := d.trunks.owned.Actors[p.netdev]; !ours && !known {
		d.trunks.owned.Actors[p.netdev] = is
	}
	if err := d.netlink.SetActor(p.netdev, want.Priority, want.System); err != nil {
		return err
	}
	d.trunks.actors[p.netdev] = want
	return nil
}

// port puts an interface into a bond. One that has another master is left to it.
func (v *trunkView) port(p bondPlan, name string) error {
	port, bond := v.now[name], v.now[p.netdev]
	if !port.Exists || port.Master == bond.Index {
		return nil
	}
	if port.Master != 0 {
		return fmt.Errorf("%s cannot join %s: it is a port of another bond or bridge already", name, p.netdev)
	}
	up := port.AdminUp
	if was, known := v.trunks.owned.Ports[name]; known {
		up = was.Up // somebody has taken it out meanwhile
	}
	v.trunks.owned.Ports[name] = ownedPort{Bond: p.netdev, Up: up}
	if err := v.netlink.Enslave(p.netdev, name); err != nil {
		delete(v.trunks.owned.Ports, name)
		return err
	}
	if p.member && !v.trunks.steered[p.netdev].Up || v.heldDown(name) {
		return v.netlink.SetUp(name, false)
	}
	return nil
}

// heldDown says that the operator has an interface shut down.
func (d *Daemon) heldDown(netdev string) bool {
	for _, i := range d.model.Interfaces {
		if i.Shutdown && d.links.Netdev(i.Name) == netdev {
			return true
		}
	}
	return false
}

// vlan makes or adopts a sub-interface.
func (v *trunkView) vlan(p vlanPlan) error {
	link, parent := v.now[p.netdev], v.now[p.parent]
	_, ours := v.trunks.owned.Created[p.netdev]
	if ours && link.VLAN.ID != p.id {
		if err := v.remove(p.netdev); err != nil {
			return err
		}
		link = links.Link{}
	}
	if link.Exists || !parent.Exists {
		return nil
	}
	err := v.netlink.AddVLAN(p.netdev, p.parent, p.id)
	if errors.Is(err, links.ErrNoDriver) {
		v.tell(p.netdev, err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := v.look(); err != nil {
		return err
	}
	v.trunks.owned.Created[p.netdev] = v.now[p.netdev].Index
	return v.trunks.owned.save(v.opts.RunDir)
}
