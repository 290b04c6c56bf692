package netif

import (
	"maps"
	"net"
	"slices"
	"time"

	"tandem/internal/config"
	"tandem/internal/linux/links"
)

// plan is what a configuration requires of the links. Names are Linux names.
type plan struct {
	interfaces []interfacePlan // sorted by configured name
	bonds      map[string]bondPlan
	vlans      map[string]vlanPlan
	vpns       map[string]int    // index of the VRF by VPN instance, 0 while there is none
	bindings   map[string]string // VPN instance by interface
	legs       []string          // the interfaces of the member Eth-Trunks, sorted
	// aliases gives, for each alias in the configuration, the link that has it.
	aliases map[config.InterfaceName]string
}

// interfacePlan is what a configuration requires of an interface.
type interfacePlan struct {
	*config.Interface
	netdev string
}

// bondPlan is what a configuration requires of an Eth-Trunk's interface.
type bondPlan struct {
	netdev string
	bond   links.Bond // settings while it is a Master member, or no member of an E-Trunk
	mac    net.HardwareAddr
	ports  []string
	member bool // member of an E-Trunk
	// standby is the LACP system identifier of a member in LACP standby.
	standby [6]byte
}

// vlanPlan is what a configuration requires of a sub-interface.
type vlanPlan struct {
	netdev, parent string
	id             uint16
}

// linkMonitor is how often a bond of Tandem checks the carrier of its ports. Until the
// next check, the bond may use a port that has lost its carrier.
const linkMonitor = 10 * time.Millisecond

// newPlan derives the plan of a configuration for the existing links. own is a system
// identifier that no other device has.
func newPlan(m *config.Model, l *Links, own [6]byte) plan {
	p := plan{
		bonds: make(map[string]bondPlan), vlans: make(map[string]vlanPlan), vpns: make(map[string]int),
		bindings: make(map[string]string), aliases: make(map[config.InterfaceName]string),
	}
	for _, name := range slices.Sorted(maps.Keys(m.Interfaces)) {
		p.add(m, l, interfacePlan{m.Interfaces[name], l.Netdev(name)}, own)
	}
	for name := range m.VPNs {
		p.vpns[name] = l.VRF(name)
	}
	for id := range m.ETrunks {
		for _, member := range m.Members(id) {
			p.legs = append(p.legs, config.EthTrunkName(member.EthTrunk).Netdev())
		}
	}
	slices.Sort(p.legs)
	p.legs = slices.Compact(p.legs)
	for _, s := range m.Sessions {
		p.resolve(l, s.Interface)
		p.resolve(l, s.TrackInterface)
	}
	return p
}

// add plans one interface.
func (p *plan) add(m *config.Model, l *Links, i interfacePlan, own [6]byte) {
	p.interfaces = append(p.interfaces, i)
	p.resolve(l, i.Name)
	if i.VPN != "" {
		p.bindings[i.netdev] = i.VPN
	}
	switch number, sub, on := i.Name.OnEthTrunk(); {
	case !on:
	case sub == 0:
		p.bonds[i.netdev] = planBond(m, l, i, number, own)
	case i.VLAN != 0:
		p.vlans[i.netdev] = vlanPlan{i.netdev, config.EthTrunkName(number).Netdev(), i.VLAN}
	}
}

// resolve finds the link that a name with a slash means, if there is one.
func (p *plan) resolve(l *Links, name config.InterfaceName) {
	if !name.HasSlash() {
		return
	}
	if netdev := l.Netdev(name); l.Get(netdev).Exists {
		p.aliases[name] = netdev
	}
}

func planBond(m *config.Model, l *Links, i interfacePlan, number uint32, own [6]byte) bondPlan {
	p := bondPlan{netdev: i.netdev, bond: links.Bond{Mode: links.BondXOR, Monitor: linkMonitor}}
	if i.Mode == config.LACPStatic {
		p.bond = links.Bond{Mode: links.BondLACP, Monitor: linkMonitor, Fast: i.LACPFast,
			ActorKey: uint16(number), ActorPriority: max(m.LACPOwnPriority, 1)} // the kernel has no priority 0
	}
	if i.MAC != (config.MAC{}) {
		p.mac = i.MAC[:]
	}
	for _, port := range m.Ports(i.Name) {
		p.ports = append(p.ports, l.Netdev(port))
	}
	for _, id := range slices.Sorted(maps.Keys(m.ETrunks)) {
		for _, member := range m.Members(id) {
			if member.EthTrunk == number && !p.member {
				p.join(member, SharedSystem(m, m.ETrunks[id]), own)
			}
		}
	}
	return p
}

// join gives a member of an E-Trunk the LACP system that both devices share. The key is
// the lower of the two Eth-Trunk numbers, so that it is the same on both devices, too.
func (p *bondPlan) join(member config.Member, shared LACPSystem, own [6]byte) {
	p.member, p.standby = true, own
	if p.bond.Mode != links.BondLACP {
		return
	}
	p.bond.ActorKey = uint16(min(member.EthTrunk, member.RemoteEthTrunk))
	p.bond.ActorPriority, p.bond.ActorSystem = shared.Priority, shared.System
	if p.standby == shared.System {
		p.standby[5] ^= 0xff
	}
}

// actor returns the LACP system that a bond should have now.
func (p bondPlan) actor(standby bool) LACPSystem {
	if standby {
		return LACPSystem{standbyPriority, p.standby}
	}
	return LACPSystem{p.bond.ActorPriority, p.bond.ActorSystem}
}

// differs reports whether the names of a plan mean other links than in the plan before:
// another link has an alias, or a VRF was made or removed. An alias that no link has any
// more does not count as a difference.
func (p *plan) differs(before *plan) bool {
	for name, netdev := range p.aliases {
		if before.aliases[name] != netdev {
			return true
		}
	}
	return !maps.Equal(p.vpns, before.vpns)
}

func (p *plan) wantsVRF(name string) bool {
	_, wanted := p.vpns[name]
	return wanted
}

func (p *plan) isLeg(netdev string) bool { return slices.Contains(p.legs, netdev) }

// addsLinkLocal reports whether the device adds an own link-local address to an interface
// that has no other.
func (i interfacePlan) addsLinkLocal() bool {
	return (i.MLD.Enabled || i.MLD.Proxy) && i.AutoLinkLocal && !i.Shutdown
}

// addsLinkLocal does the same for an interface by its Linux name.
func (p *plan) addsLinkLocal(netdev string) bool {
	return slices.ContainsFunc(p.interfaces, func(i interfacePlan) bool { return i.netdev == netdev && i.addsLinkLocal() })
}

// heldDown reports whether the operator has shut an interface down.
func (p *plan) heldDown(netdev string) bool {
	return slices.ContainsFunc(p.interfaces, func(i interfacePlan) bool { return i.Shutdown && i.netdev == netdev })
}

// onTrunk reports whether an interface is an Eth-Trunk, a port of one or a sub-interface.
func (p *plan) onTrunk(netdev string) bool {
	return slices.ContainsFunc(p.interfaces, func(i interfacePlan) bool {
		_, _, on := i.Name.OnEthTrunk()
		return (on || i.Trunk != "") && i.netdev == netdev
	})
}

// configuredName returns the configured name of a Linux interface.
func (p *plan) configuredName(netdev string) string {
	at := slices.IndexFunc(p.interfaces, func(i interfacePlan) bool { return i.netdev == netdev })
	if at < 0 {
		return netdev
	}
	return string(p.interfaces[at].Name)
}
