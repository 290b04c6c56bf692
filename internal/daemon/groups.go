package daemon

import (
	"net/netip"
	"slices"

	"tandem/internal/device"
	"tandem/internal/mld"
	"tandem/internal/state"
)

// groupSlice is how many groups are looked at in one turn.
const groupSlice = 4096

// GroupNames lists the groups of a downstream interface, in no order.
func (d *Daemon) GroupNames(iface string) (names []netip.Addr) {
	_ = d.call(func() { names = slices.Collect(d.device.EachGroup(iface)) })
	return names
}

// Listening lists those of the groups that a host wants on a downstream interface.
func (d *Daemon) Listening(iface string, host netip.Addr, groups []netip.Addr) (wanted []netip.Addr) {
	for some := range slices.Chunk(groups, groupSlice) {
		_ = d.call(func() {
			for _, g := range some {
				if d.device.Listens(iface, g, host) {
					wanted = append(wanted, g)
				}
			}
		})
	}
	return wanted
}

// GroupStates shows groups of a downstream interface, those that nobody wants left out.
func (d *Daemon) GroupStates(iface string, groups []netip.Addr) (states []mld.GroupState) {
	_ = d.call(func() {
		for _, g := range groups {
			if s, ok := d.device.Group(d.now(), iface, g); ok {
				states = append(states, s)
			}
		}
	})
	return states
}

// GroupRoutes lists the forwarding entries of a group with their counters.
func (d *Daemon) GroupRoutes(group netip.Addr) []state.Route {
	return d.routing.Counted(func() []device.RouteSnapshot { return d.device.GroupRoutes(d.now(), group) })
}
