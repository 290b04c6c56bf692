package daemon

import (
	"errors"
	"fmt"
	"slices"

	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/linux/links"
	"tandem/internal/state"
)

// EthTrunk returns what a configured Eth-Trunk is in the kernel.
func (d *Daemon) EthTrunk(number uint32) (state.EthTrunk, error) {
	var info state.EthTrunk
	var err error
	if stopped := d.call(func() { info, err = d.ethTrunk(config.EthTrunkName(number)) }); stopped != nil {
		return info, stopped
	}
	return info, err
}

func (d *Daemon) ethTrunk(name config.InterfaceName) (state.EthTrunk, error) {
	if d.model.Interfaces[name] == nil {
		return state.EthTrunk{}, fmt.Errorf("%s is not configured; known: %s", name, d.knownTrunks())
	}
	info := state.EthTrunk{Name: string(name), Netdev: name.Netdev()}
	link := d.links.Get(info.Netdev)
	_, info.Owned = d.trunks.owned.Created[info.Netdev]
	info.Exists, info.Up, info.AdminUp, info.Driver, info.MAC = link.Exists, link.Up, link.AdminUp, link.Kind, link.HardwareAddr.String()
	if leg, steered := d.trunks.steered[info.Netdev]; steered && d.isLeg(name) {
		info.Leg = legWord(leg)
	}
	bond, err := d.netlink.Bond(info.Netdev)
	if err != nil && !errors.Is(err, links.ErrNotFound) {
		return info, err
	}
	if bond.Exists {
		d.describeBond(&info, bond)
	}
	d.describeConfigured(&info, name)
	return info, nil
}

func legWord(leg device.LegChange) state.Leg {
	switch {
	case leg.Aside:
		return state.LegAside
	case leg.Up:
		return state.LegJoined
	}
	return state.LegDown
}

func (d *Daemon) describeBond(info *state.EthTrunk, bond links.BondState) {
	is := *bond.Bond
	info.Mode, info.Monitor, info.LACP = is.Mode.String(), is.Monitor, is.Mode == links.BondLACP
	if info.LACP {
		info.Fast, info.SystemPriority, info.Key, info.Aggregator = is.Fast, is.ActorPriority, bond.ActorKey, bond.Aggregator
		if info.SystemID = is.ActorSystem; is.ActorSystem == [6]byte{} && len(bond.HardwareAddr) == 6 {
			info.SystemID = [6]byte(bond.HardwareAddr)
		}
		if slices.ContainsFunc(bond.PartnerSystem, func(b byte) bool { return b != 0 }) {
			info.PartnerSystem, info.PartnerKey = bond.PartnerSystem.String(), bond.PartnerKey
		}
	}
	for _, p := range bond.Ports {
		info.Ports = append(info.Ports, state.Port{
			Name: d.configuredName(p.Name), Netdev: p.Name, Exists: true, Joined: true, Up: p.Carrier, Active: p.Active,
			Failures: p.Failures, Aggregator: p.Aggregator, Actor: p.Actor.String(), Partner: p.Partner.String(),
		})
	}
}

// describeConfigured adds the configured ports that are not in the bond.
func (d *Daemon) describeConfigured(info *state.EthTrunk, name config.InterfaceName) {
	for _, port := range d.model.Ports(name) {
		netdev := d.links.Netdev(port)
		if !slices.ContainsFunc(info.Ports, func(p state.Port) bool { return p.Netdev == netdev }) {
			info.Ports = append(info.Ports, state.Port{Name: string(port), Netdev: netdev, Exists: d.links.Get(netdev).Exists})
		}
	}
}

// configuredName is the name that the configuration has for a Linux interface.
func (d *Daemon) configuredName(netdev string) string {
	for name := range d.model.Interfaces {
		if d.links.Netdev(name) == netdev {
			return string(name)
		}
	}
	return netdev
}

func (d *Daemon) knownTrunks() string {
	trunks := make(map[string]bool)
	for name := range d.model.Interfaces {
		if _, ok := name.EthTrunk(); ok {
			trunks[string(name)] = true
		}
	}
	return known(trunks)
}
