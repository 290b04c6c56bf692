package netif

import (
	"errors"
	"maps"
	"slices"

	"tandem/internal/linux/links"
)

// trunks makes bonds, their ports and sub-interfaces agree with the plan, even after
// another program has changed them. It removes those that are no longer in the plan. It
// adopts an interface that exists under a name of the plan as it is.
type trunks struct{ *pass }

func (t trunks) reconcile() error {
	if len(t.plan.bonds) == 0 && !t.undoLog.holdsTrunks() {
		return nil
	}
	if err := t.look(); err != nil {
		return err
	}
	errs := t.undo()
	for _, name := range slices.Sorted(maps.Keys(t.plan.bonds)) {
		errs = append(errs, t.bond(t.plan.bonds[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(t.plan.vlans)) {
		errs = append(errs, t.vlan(t.plan.vlans[name]))
	}
	return errors.Join(append(errs, t.undoLog.save())...)
}

// undo reverses what was done for an earlier configuration.
func (t trunks) undo() (errs []error) {
	r := t.undoLog
	for _, name := range slices.Sorted(maps.Keys(r.Ports)) {
		if p := r.Ports[name]; !slices.Contains(t.plan.bonds[p.Bond].ports, name) {
			errs = append(errs, t.release(name, p))
		}
	}
	// A sub-interface sorts after its bond, so in reverse order it is removed first.
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(r.Created))) {
		_, bond := t.plan.bonds[name]
		_, vlan := t.plan.vlans[name]
		switch link := t.now[name]; {
		case link.Index != r.Created[name]: // it is gone, or another program has made a link of that name
			delete(r.Created, name)
		case !bond && !vlan:
			errs = append(errs, t.remove(name))
		}
	}
	return append(errs, t.restoreActors(), t.restoreAddresses())
}

// restoreActors restores the LACP system of adopted bonds that are no longer LACP members.
func (t trunks) restoreActors() error {
	var errs []error
	for name, was := range t.undoLog.Actors {
		if p := t.plan.bonds[name]; p.member && p.bond.Mode == links.BondLACP {
			continue
		}
		delete(t.undoLog.Actors, name)
		t.state.forgetActor(name)
		if t.now[name].Bond != nil {
			errs = append(errs, t.netlink.SetActor(name, was.Priority, was.System))
		}
	}
	return errors.Join(errs...)
}

// restoreAddresses restores the Ethernet address of trunks that have no configured one.
func (t trunks) restoreAddresses() error {
	var errs []error
	for name, was := range t.undoLog.Addresses {
		if t.plan.bonds[name].mac != nil {
			continue
		}
		delete(t.undoLog.Addresses, name)
		if t.now[name].Exists {
			errs = append(errs, t.netlink.SetHardwareAddr(name, was))
		}
	}
	return errors.Join(errs...)
}

// release takes a port out of its bond and restores its state from before.
func (t trunks) release(name string, p undoPort) error {
	delete(t.undoLog.Ports, name)
	port, bond := t.now[name], t.now[p.Bond]
	if !port.Exists || !bond.Exists || port.Master != bond.Index {
		return nil
	}
	if err := t.netlink.Release(name); err != nil {
		return err
	}
	if p.Up {
		if err := t.netlink.SetUp(name, true); err != nil {
			return err
		}
	}
	return t.look()
}
