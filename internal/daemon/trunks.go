package daemon

import (
	"errors"
	"maps"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/links"
)

// trunks is the daemon's hand on bonds, their ports and sub-interfaces.
type trunks struct {
	owned owned
	// steered is what the device has asked of the legs, by Linux name.
	steered map[string]device.LegChange
	// actors are the LACP systems written last, for where the kernel hides them.
	actors map[string]ownedActor
	// lacking is what could not be had and has been told.
	lacking map[string]string
	// apart are the bonds that LACP has in no aggregate with the switch; they are
	// looked at again at lookAt, for the kernel does not tell.
	apart map[string]bool
	// keys are their operational LACP keys.
	keys   map[string]uint16
	lookAt time.Time
	// settles is when LACP has come to rest since a leg was steered: what a bond that
	// comes up says at first may be from before.
	settles time.Time
	// applied: a configuration is in force, so what it does not name is not wanted.
	applied bool
}

func (d *Daemon) openTrunks() error {
	o, err := readOwned(d.opts.RunDir)
	d.trunks = trunks{owned: o, steered: make(map[string]device.LegChange), actors: make(map[string]ownedActor), lacking: make(map[string]string), apart: make(map[string]bool), keys: make(map[string]uint16)}
	return err
}

// trunkView is the kernel's side during one reconciliation.
type trunkView struct {
	*Daemon
	bonds map[string]bondPlan
	vlans map[string]vlanPlan
	now   map[string]links.Link
}

// look reads the links anew.
func (v *trunkView) look() error {
	list, err := v.netlink.List()
	if err != nil {
		return err
	}
	v.now = make(map[string]links.Link, len(list))
	for _, l := range list {
		v.now[l.Name] = l
	}
	return nil
}

// reconcileTrunks brings bonds, their ports and sub-interfaces to the
// configuration, whoever has changed them, and undoes what it does not want any
// more. What it finds under a name of the configuration it adopts as it is.
func (d *Daemon) reconcileTrunks() error {
	v := trunkView{Daemon: d}
	v.bonds, v.vlans = d.trunkPlans(d.model)
	if !d.trunks.applied || len(v.bonds) == 0 && d.trunks.owned.empty() {
		return nil
	}
	if err := v.look(); err != nil {
		return err
	}
	errs := v.undo()
	for _, name := range slices.Sorted(maps.Keys(v.bonds)) {
		errs = append(errs, v.bond(v.bonds[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(v.vlans)) {
		errs = append(errs, v.vlan(v.vlans[name]))
	}
	return errors.Join(append(errs, d.trunks.owned.save(d.opts.RunDir))...)
}

// undo takes back what was done for a configuration that does not hold any more.
func (v *trunkView) undo() (errs []error) {
	o := &v.trunks.owned
	for _, name := range slices.Sorted(maps.Keys(o.Ports)) {
		if p := o.Ports[name]; !slices.Contains(v.bonds[p.Bond].ports, name) {
			errs = append(errs, v.release(name, p))
		}
	}
	// Sub-interfaces sort after their bond; they go first.
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(o.Created))) {
		_, bond := v.bonds[name]
		_, vlan := v.vlans[name]
		switch link := v.now[name]; {
		case link.Index != o.Created[name]: // gone, or somebody else's by now
			delete(o.Created, name)
		case !bond && !vlan:
			errs = append(errs, v.remove(name))
		}
	}
	for name, was := range o.Actors {
		if v.bonds[name].member && v.bonds[name].bond.Mode == links.BondLACP {
			continue
		}
		delete(o.Actors, name)
		delete(v.trunks.actors, name)
		if v.now[name].Bond != nil {
			errs = append(errs, v.netlink.SetActor(name, was.Priority, was.System))
		}
	}
	for name, was := range o.Addresses {
		if v.bonds[name].mac != nil {
			continue
		}
		delete(o.Addresses, name)
		if v.now[name].Exists {
			errs = append(errs, v.netlink.SetHardwareAddr(name, was))
		}
	}
	return errs
}

// remove deletes an interface that was made here. The kernel lets its ports go.
func (v *trunkView) remove(name string) error {
	if err := v.netlink.Delete(name); err != nil && !errors.Is(err, links.ErrNotFound) {
		return err
	}
	delete(v.trunks.owned.Created, name)
	delete(v.trunks.owned.Addresses, name)
	delete(v.trunks.actors, name)
	return v.look()
}

// release takes a port out of its bond and leaves it as it was found.
func (v *trunkView) release(name string, p ownedPort) error {
	delete(v.trunks.owned.Ports, name)
	port, bond := v.now[name], v.now[p.Bond]
	if !port.Exists || !bond.Exists || port.Master != bond.Index {
		return nil
	}
	if err := v.netlink.Release(name); err != nil {
		return err
	}
	if p.Up {
		if err := v.netlink.SetUp(name, true); err != nil {
			return err
		}
	}
	return v.look()
}

// trunksChanged mends what somebody has changed about bonds and their ports.
func (d *Daemon) trunksChanged(changed []links.Link) {
	concerns := func(l links.Link) bool {
		if l.Bond != nil || l.Kind == "vlan" {
			return true
		}
		for _, i := range d.model.Interfaces {
			if _, _, on := i.Name.OnEthTrunk(); (on || i.Trunk != "") && d.links.Netdev(i.Name) == l.Name {
				return true
			}
		}
		return false
	}
	if !slices.ContainsFunc(changed, concerns) {
		return
	}
	d.lookAtLACP()
	if err := d.reconcileTrunks(); err != nil {
		d.emit(event.EthTrunkNotConfigured.With(err))
	}
}
