package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/config"
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
		if i.Shutdown && d.netdev(i.Name) == netdev {
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

// trunksChanged mends what somebody has changed about bonds and their ports.
func (d *Daemon) trunksChanged(changed []links.Link) {
	concerns := func(l links.Link) bool {
		if l.Bond != nil || l.Kind == "vlan" {
			return true
		}
		for _, i := range d.model.Interfaces {
			if _, _, on := i.Name.OnEthTrunk(); (on || i.Trunk != "") && d.netdev(i.Name) == l.Name {
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

// lacpInterval is how often a leg that is joining the switch's aggregate, or leaving
// it, is looked at, and for lacpSettling, in which both sides have sent a LACPDU, at least.
const (
	lacpInterval = 20 * time.Millisecond
	lacpSettling = time.Second
)

// lookAtLACP tells the device which legs the switch has in its aggregate.
func (d *Daemon) lookAtLACP() {
	d.trunks.lookAt = time.Time{}
	for _, leg := range d.legs() {
		link := d.netdevs[leg]
		apart, key := false, uint16(0)
		if link.Bond != nil && link.Bond.Mode == links.BondLACP {
			bond, err := d.netlink.Bond(leg)
			taken := func(p links.Port) bool { return p.Carrier && p.Actor.Forwarding() && p.Partner.Forwarding() }
			apart, key = err == nil && !slices.ContainsFunc(bond.Ports, taken), bond.ActorKey
		}
		if now := time.Now(); link.Up && (apart != d.trunks.steered[leg].Aside || now.Before(d.trunks.settles)) {
			d.trunks.lookAt = now.Add(lacpInterval)
		}
		if apart != d.trunks.apart[leg] || key != d.trunks.keys[leg] {
			d.trunks.apart[leg], d.trunks.keys[leg] = apart, key
			d.tellLink(link)
		}
	}
}

// steer takes a leg up, down or aside.
func (d *Daemon) steer(leg device.LegChange) error {
	d.trunks.steered[leg.Netdev] = leg
	now := time.Now()
	d.trunks.lookAt, d.trunks.settles = now.Add(lacpInterval), now.Add(lacpSettling)
	if !leg.Up {
		return d.netlink.SetTrunkUp(leg.Netdev, false, nil)
	}
	link := d.netdevs[leg.Netdev]
	bonds, _ := d.trunkPlans(d.model)
	p := bonds[leg.Netdev]
	if link.Bond != nil && link.Bond.Mode == links.BondLACP && p.bond.Mode == links.BondLACP && p.member {
		// What is known of the system may be a moment old.
		if fresh, err := d.netlink.Link(leg.Netdev); err == nil && fresh.Bond != nil {
			link = fresh
		}
		if err := d.setActor(p, link); err != nil {
			return err
		}
	}
	return errors.Join(d.netlink.SetTrunkUp(leg.Netdev, true, d.heldDown), d.trunks.owned.save(d.opts.RunDir))
}

// setUp raises or lowers an interface of the configuration. A sub-interface
// comes up with its trunk and cannot before.
func (d *Daemon) setUp(i *config.Interface, netdev string, up bool) error {
	if i.Trunk != "" && up && d.isLeg(i.Trunk) && !d.trunks.steered[i.Trunk.Netdev()].Up {
		return nil // comes up with its leg
	}
	err := d.netlink.SetUp(netdev, up)
	if _, sub, _ := i.Name.OnEthTrunk(); sub != 0 && up && errors.Is(err, unix.ENETDOWN) {
		return nil
	}
	return err
}
