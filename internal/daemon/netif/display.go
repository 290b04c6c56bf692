package netif

import (
	"errors"
	"slices"

	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/linux/links"
	"tandem/internal/state"
)

// Interfaces lists the interfaces of the configuration and of the system, without
// their counters.
func (o *Owner) Interfaces() []state.Interface {
	var infos []state.Interface
	configured := make(map[string]bool)
	for _, i := range o.plan.interfaces {
		configured[i.netdev] = true
		infos = append(infos, describe(string(i.Name), o.links.Get(i.netdev)))
	}
	for link := range o.links.All() {
		if !configured[link.Name] {
			infos = append(infos, describe(link.Name, link))
		}
	}
	return infos
}

func describe(name string, l links.Link) state.Interface {
	info := state.Interface{Name: name, Exists: l.Exists, Up: l.Up, AdminUp: l.AdminUp,
		Addresses: slices.Clone(l.Addresses), Kind: l.Kind, MTU: l.MTU}
	if l.Exists {
		info.Netdev, info.MAC = l.Name, l.HardwareAddr.String()
	}
	return info
}

// CountTraffic fills in the kernel's counters. It uses a netlink connection of its own,
// so it may be called from any goroutine.
func CountTraffic(infos []state.Interface) error {
	handle, err := links.Open()
	if err != nil {
		return err
	}
	defer handle.Close()
	counters, err := handle.Counters()
	for i := range infos {
		c := counters[infos[i].Netdev]
		infos[i].In, infos[i].Out = state.Traffic(c.In), state.Traffic(c.Out)
	}
	return err
}

// EthTrunk returns the state of an Eth-Trunk in the kernel.
func (o *Owner) EthTrunk(name config.InterfaceName) (state.EthTrunk, error) {
	netdev := name.Netdev()
	link := o.links.Get(netdev)
	_, made := o.undoLog.Created[netdev]
	info := state.EthTrunk{
		Name: string(name), Netdev: netdev, Owned: made,
		Exists: link.Exists, Up: link.Up, AdminUp: link.AdminUp, Driver: link.Kind, MAC: link.HardwareAddr.String(),
	}
	if known := o.state.Trunks[netdev]; known != nil && o.plan.isLeg(netdev) {
		info.Leg = legWord(known.Asked)
	}
	bond, err := o.netlink.Bond(netdev)
	if err != nil && !errors.Is(err, links.ErrNotFound) {
		return info, err
	}
	if bond.Exists {
		describeBond(&info, bond)
	}
	o.describePorts(&info, bond)
	return info, nil
}

func legWord(asked device.LegChange) state.Leg {
	switch {
	case asked.Netdev == "":
		return state.LegNotSteered
	case asked.Aside:
		return state.LegAside
	case asked.Up:
		return state.LegJoined
	}
	return state.LegDown
}

func describeBond(info *state.EthTrunk, bond links.BondState) {
	is := *bond.Bond
	info.Mode, info.Monitor, info.LACP = is.Mode.String(), is.Monitor, is.Mode == links.BondLACP
	if !info.LACP {
		return
	}
	info.Fast, info.SystemPriority, info.Key, info.Aggregator = is.Fast, is.ActorPriority, bond.ActorKey, bond.Aggregator
	if info.SystemID = state.SystemID(is.ActorSystem); is.ActorSystem == [6]byte{} && len(bond.HardwareAddr) == 6 {
		info.SystemID = state.SystemID(bond.HardwareAddr)
	}
	if slices.ContainsFunc(bond.PartnerSystem, func(b byte) bool { return b != 0 }) {
		copy(info.PartnerSystem[:], bond.PartnerSystem)
		info.PartnerKey = bond.PartnerKey
	}
}

// describePorts lists the ports of the bond, then the configured ones that are not in it.
func (o *Owner) describePorts(info *state.EthTrunk, bond links.BondState) {
	for _, p := range bond.Ports {
		port := state.Port{Name: o.plan.configuredName(p.Name), Netdev: p.Name, Exists: true, Joined: true,
			Up: p.Carrier, Active: p.Active, Failures: p.Failures}
		if info.LACP {
			port.Aggregator, port.Actor, port.Partner = &p.Aggregator, p.Actor.String(), p.Partner.String()
		}
		info.Ports = append(info.Ports, port)
	}
	for _, netdev := range o.plan.bonds[info.Netdev].ports {
		if !slices.ContainsFunc(info.Ports, func(p state.Port) bool { return p.Netdev == netdev }) {
			info.Ports = append(info.Ports, state.Port{
				Name: o.plan.configuredName(netdev), Netdev: netdev, Exists: o.links.Get(netdev).Exists})
		}
	}
}
