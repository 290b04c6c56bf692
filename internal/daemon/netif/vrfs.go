package netif

import (
	"errors"
	"maps"
	"slices"

	"tandem/internal/linux/links"
)

// firstVRFTable is the lowest routing table number that a VRF made here can get.
const firstVRFTable = 10_000

// vrfs makes the VRFs of the configured VPN instances, adopts those that exist, and binds
// interfaces to them. It reverses what was done for an earlier configuration.
type vrfs struct{ *pass }

func (v vrfs) reconcile() error {
	if len(v.plan.vpns) == 0 && !v.undoLog.holdsVRFs() {
		return nil
	}
	if err := v.look(); err != nil {
		return err
	}
	errs := v.undo()
	for _, name := range slices.Sorted(maps.Keys(v.plan.vpns)) {
		errs = append(errs, v.vrf(name))
	}
	for _, name := range slices.Sorted(maps.Keys(v.plan.bindings)) {
		errs = append(errs, v.bind(name, v.plan.bindings[name]))
	}
	return errors.Join(append(errs, v.undoLog.save())...)
}

// undo removes the VRFs and bindings that are no longer configured.
func (v vrfs) undo() (errs []error) {
	r := v.undoLog
	for name, vpn := range r.Bound {
		if v.plan.bindings[name] == vpn {
			continue
		}
		delete(r.Bound, name)
		if l := v.now[name]; l.Exists && l.Master == v.now[vpn].Index && v.now[vpn].Exists {
			errs = append(errs, v.netlink.Release(name))
		}
	}
	for name, index := range r.VRFs {
		switch {
		case v.now[name].Index != index: // it is gone, or another program has made a VRF of that name
			delete(r.VRFs, name)
		case !v.plan.wantsVRF(name):
			delete(r.VRFs, name)
			errs = append(errs, v.netlink.DeleteVRF(name))
		}
	}
	return append(errs, v.look())
}

// vrf makes a VRF unless it exists.
func (v vrfs) vrf(name string) error {
	if v.now[name].Exists {
		if v.now[name].VRF == 0 {
			v.miss(name, errors.New("an interface that is no VRF has the name of the vpn-instance"))
		}
		return nil
	}
	table := uint32(firstVRFTable)
	for slices.ContainsFunc(slices.Collect(maps.Values(v.now)), func(l links.Link) bool { return l.VRF == table }) {
		table++
	}
	_, err := v.create(name, v.undoLog.VRFs, func() error { return v.netlink.AddVRF(name, table) })
	return err
}

// bind puts an interface into its VRF. An interface that has another master stays with it.
func (v vrfs) bind(name, vpn string) error {
	link, vrf := v.now[name], v.now[vpn]
	if !link.Exists || vrf.VRF == 0 || link.Master == vrf.Index {
		return nil
	}
	if link.Master != 0 {
		v.miss(name, errors.New("it belongs to a bond, a bridge or another VRF and is not bound to vpn-instance "+vpn))
		return nil
	}
	v.undoLog.Bound[name] = vpn
	return v.netlink.BindVRF(vpn, name)
}
