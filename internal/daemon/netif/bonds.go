package netif

import (
	"bytes"
	"errors"
	"fmt"

	"tandem/internal/linux/links"
)

// bond makes or adopts the interface of an Eth-Trunk.
func (t trunks) bond(p bondPlan) error {
	link := t.now[p.netdev]
	if _, ours := t.undoLog.Created[p.netdev]; ours && link.Bond != nil && link.Bond.Mode != p.bond.Mode {
		// The kernel cannot change the mode of a bond that has ports.
		if err := t.remove(p.netdev); err != nil {
			return err
		}
		link = links.Link{}
	}
	if !link.Exists {
		var err error
		if link, err = t.create(p.netdev, t.undoLog.Created, func() error { return t.addBond(p) }); err != nil || !link.Exists {
			return err
		}
	}
	if err := t.address(p, link); err != nil {
		return err
	}
	if link.Bond == nil {
		return nil // an adopted interface that is no bond is only taken up and down
	}
	if err := t.settings(p, link); err != nil {
		return err
	}
	var errs []error
	for _, port := range p.ports {
		errs = append(errs, t.port(p, port))
	}
	return errors.Join(errs...)
}

func (t trunks) addBond(p bondPlan) error {
	actor := p.actor(t.state.trunk(p.netdev).Asked.Aside)
	p.bond.ActorPriority, p.bond.ActorSystem = actor.Priority, actor.System
	return t.netlink.AddBond(p.netdev, p.bond, p.mac)
}

// address gives a trunk its configured Ethernet address.
func (t trunks) address(p bondPlan, link links.Link) error {
	if p.mac == nil || bytes.Equal(p.mac, link.HardwareAddr) {
		return nil
	}
	if _, known := t.undoLog.Addresses[p.netdev]; !known {
		t.undoLog.Addresses[p.netdev] = link.HardwareAddr
	}
	return t.netlink.SetHardwareAddr(p.netdev, p.mac)
}

// settings applies a bond's settings. For an adopted bond it changes only the LACP
// system, and only if the bond is a member that uses LACP.
func (t trunks) settings(p bondPlan, link links.Link) error {
	_, ours := t.undoLog.Created[p.netdev]
	is := link.Bond
	if ours && is.Monitor != p.bond.Monitor {
		if err := t.netlink.SetMonitor(p.netdev, p.bond.Monitor); err != nil {
			return err
		}
	}
	if p.bond.Mode != links.BondLACP || is.Mode != links.BondLACP {
		return nil
	}
	if ours && (is.Fast != p.bond.Fast || !is.Hidden && is.ActorKey != p.bond.ActorKey) {
		if err := t.whileDown(link, func() error { return t.netlink.SetLACP(p.netdev, p.bond.Fast, p.bond.ActorKey) }); err != nil {
			return err
		}
	}
	if !ours && !p.member {
		return nil
	}
	return t.setActor(p, link)
}

// whileDown makes a change that the kernel permits only while the bond is down: it takes
// the bond down and up again.
func (t trunks) whileDown(link links.Link, change func() error) error {
	if !link.AdminUp {
		return change()
	}
	err := t.netlink.SetUp(link.Name, false)
	if err == nil {
		err = errors.Join(change(), t.netlink.SetUp(link.Name, true))
	}
	return err
}

// setActor gives a bond the LACP system that the state of its leg requires.
func (t trunks) setActor(p bondPlan, link links.Link) error {
	known := t.state.trunk(p.netdev)
	want := p.actor(known.Asked.Aside)
	is := LACPSystem{link.Bond.ActorPriority, link.Bond.ActorSystem}
	if link.Bond.Hidden {
		is = known.Actor
	}
	if is == want {
		return nil
	}
	_, ours := t.undoLog.Created[p.netdev]
	if _, noted := t.undoLog.Actors[p.netdev]; !ours && !noted {
		t.undoLog.Actors[p.netdev] = is
	}
	if err := t.netlink.SetActor(p.netdev, want.Priority, want.System); err != nil {
		return err
	}
	known.Actor = want
	return nil
}

// port puts an interface into a bond. An interface that has another master stays with it.
func (t trunks) port(p bondPlan, name string) error {
	port, bond := t.now[name], t.now[p.netdev]
	if !port.Exists || port.Master == bond.Index {
		return nil
	}
	if port.Master != 0 {
		return fmt.Errorf("%s cannot join %s: it is a port of another bond or bridge already", name, p.netdev)
	}
	up := port.AdminUp
	if was, known := t.undoLog.Ports[name]; known {
		up = was.Up // another program has removed it from the bond in the meantime
	}
	t.undoLog.Ports[name] = undoPort{Bond: p.netdev, Up: up}
	if err := t.netlink.Enslave(p.netdev, name); err != nil {
		delete(t.undoLog.Ports, name)
		return err
	}
	if p.member && !t.state.trunk(p.netdev).Asked.Up || t.plan.heldDown(name) {
		return t.netlink.SetUp(name, false)
	}
	return nil
}

// raise takes a leg up with the LACP system that the device has requested. known may be
// slightly out of date.
func (t trunks) raise(leg string, known links.Link) error {
	if p := t.plan.bonds[leg]; speaksLACP(known) && p.bond.Mode == links.BondLACP && p.member {
		if fresh, err := t.netlink.Link(leg); err == nil && fresh.Bond != nil {
			known = fresh
		}
		if err := t.setActor(p, known); err != nil {
			return err
		}
	}
	return errors.Join(t.netlink.SetTrunkUp(leg, true, t.plan.heldDown), t.undoLog.save())
}
