package daemon

import (
	"errors"
	"maps"
	"slices"

	"tandem/internal/config"
	"tandem/internal/event"
	"tandem/internal/linux/links"
)

// firstVRFTable is the lowest routing table that a VRF made here can get.
const firstVRFTable = 10_000

// reconcileVPNs makes the VRFs of the configured VPN instances, adopts those that are
// there, and binds interfaces to them; it undoes what it did for a configuration that
// does not hold any more.
func (d *Daemon) reconcileVPNs() error {
	if !d.trunks.applied || len(d.model.VPNs) == 0 && len(d.trunks.owned.VRFs)+len(d.trunks.owned.Bound) == 0 {
		return nil
	}
	v := trunkView{Daemon: d}
	if err := v.look(); err != nil {
		return err
	}
	bindings := make(map[string]string) // VPN instance by Linux name
	for _, i := range d.model.Interfaces {
		if i.VPN != "" {
			bindings[d.links.Netdev(i.Name)] = i.VPN
		}
	}
	errs := v.unbind(bindings)
	for _, name := range slices.Sorted(maps.Keys(d.model.VPNs)) {
		errs = append(errs, v.vrf(name))
	}
	for _, name := range slices.Sorted(maps.Keys(bindings)) {
		errs = append(errs, v.bind(name, bindings[name]))
	}
	return errors.Join(append(errs, d.trunks.owned.save(d.opts.RunDir))...)
}

// unbind takes back what is not configured any more.
func (v *trunkView) unbind(bindings map[string]string) (errs []error) {
	o := &v.trunks.owned
	for name, vpn := range o.Bound {
		if bindings[name] == vpn {
			continue
		}
		delete(o.Bound, name)
		if l := v.now[name]; l.Exists && l.Master == v.now[vpn].Index && v.now[vpn].Exists {
			errs = append(errs, v.netlink.Release(name))
		}
	}
	for name, index := range o.VRFs {
		switch {
		case v.now[name].Index != index: // gone, or somebody else's by now
			delete(o.VRFs, name)
		case v.model.VPNs[name] == nil:
			delete(o.VRFs, name)
			errs = append(errs, v.netlink.DeleteVRF(name))
		}
	}
	return append(errs, v.look())
}

// vrf makes a VRF unless it is there.
func (v *trunkView) vrf(name string) error {
	if v.now[name].Exists {
		if v.now[name].VRF == 0 {
			v.tell(name, errors.New("an interface that is no VRF has the name of the vpn-instance"))
		}
		return nil
	}
	table := uint32(firstVRFTable)
	for slices.ContainsFunc(slices.Collect(maps.Values(v.now)), func(l links.Link) bool { return l.VRF == table }) {
		table++
	}
	err := v.netlink.AddVRF(name, table)
	if errors.Is(err, links.ErrNoDriver) {
		v.tell(name, err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := v.look(); err != nil {
		return err
	}
	v.trunks.owned.VRFs[name] = v.now[name].Index
	return v.trunks.owned.save(v.opts.RunDir)
}

// bind puts an interface into its VRF. One that has another master is left to it.
func (v *trunkView) bind(name, vpn string) error {
	link, vrf := v.now[name], v.now[vpn]
	if !link.Exists || vrf.VRF == 0 || link.Master == vrf.Index {
		return nil
	}
	if link.Master != 0 {
		v.tell(name, errors.New("it belongs to a bond, a bridge or another VRF and is not bound to vpn-instance "+vpn))
		return nil
	}
	v.trunks.owned.Bound[name] = vpn
	return v.netlink.BindVRF(vpn, name)
}

// vpnsChanged mends what somebody has changed about VRFs, and opens the sockets in one
// that has appeared.
func (d *Daemon) vpnsChanged(before map[string]int, changed []links.Link) {
	bound := func(l links.Link) bool {
		return slices.ContainsFunc(slices.Collect(maps.Values(d.model.Interfaces)),
			func(i *config.Interface) bool { return i.VPN != "" && d.links.Netdev(i.Name) == l.Name })
	}
	if slices.ContainsFunc(changed, func(l links.Link) bool { return d.model.VPNs[l.Name] != nil || bound(l) }) {
		if err := d.reconcileVPNs(); err != nil {
			d.emit(event.InterfaceNotConfigured.With(err))
		}
	}
	for name := range d.model.VPNs {
		if d.links.VRF(name) != before[name] {
			if err := d.configure(d.model); err != nil {
				d.emit(event.InterfaceNotConfigured.With(err))
			}
			return
		}
	}
}

// vpnIndices are the indices of the VRFs that there are.
func (d *Daemon) vpnIndices() map[string]int {
	indices := make(map[string]int)
	for name := range d.model.VPNs {
		indices[name] = d.links.VRF(name)
	}
	return indices
}
