package daemon

import (
	"crypto/sha256"
	"maps"
	"net"
	"slices"
	"time"

	"tandem/internal/config"
	"tandem/internal/linux/links"
)

// linkMonitor is how often a bond of ours looks at its ports. A port that has
// lost its carrier is used until then.
const linkMonitor = 10 * time.Millisecond

// bondPlan is what the configuration wants of an Eth-Trunk's Linux interface.
type bondPlan struct {
	netdev string
	bond   links.Bond // as a Master member, or outside of an E-Trunk
	mac    net.HardwareAddr
	ports  []string // by Linux name
	member bool     // of an E-Trunk
	// aside is the LACP system under which a member stands aside.
	aside [6]byte
}

// vlanPlan is what it wants of a sub-interface's.
type vlanPlan struct {
	netdev, parent string
	id             uint16
}

// trunkPlans derives the Linux side of the Eth-Trunks and their sub-interfaces,
// by name.
func (d *Daemon) trunkPlans(m *config.Model) (bonds map[string]bondPlan, vlans map[string]vlanPlan) {
	bonds, vlans = make(map[string]bondPlan), make(map[string]vlanPlan)
	for _, i := range m.Interfaces {
		number, sub, on := i.Name.OnEthTrunk()
		switch netdev := i.Name.Netdev(); {
		case !on:
		case sub == 0:
			p := bondPlan{netdev: netdev, bond: links.Bond{Mode: links.BondXOR, Monitor: linkMonitor}}
			if i.Mode == config.LACPStatic {
				p.bond = links.Bond{Mode: links.BondLACP, Monitor: linkMonitor, Fast: i.LACPFast,
					ActorKey: uint16(number), ActorPriority: config.DefaultLACPPriority}
			}
			if i.MAC != (config.MAC{}) {
				p.mac = i.MAC[:]
			}
			for _, port := range m.Ports(i.Name) {
				p.ports = append(p.ports, d.links.Netdev(port))
			}
			d.planMember(m, number, &p)
			bonds[netdev] = p
		case i.VLAN != 0:
			vlans[netdev] = vlanPlan{netdev, config.EthTrunkName(number).Netdev(), i.VLAN}
		}
	}
	return bonds, vlans
}

// planMember gives a member of an E-Trunk the LACP system that both devices
// share. The key is the lower of the two trunks' numbers, so that it is shared as well.
func (d *Daemon) planMember(m *config.Model, number uint32, p *bondPlan) {
	for _, id := range slices.Sorted(maps.Keys(m.ETrunks)) {
		for _, member := range m.Members(id) {
			if member.EthTrunk != number {
				continue
			}
			p.member, p.aside = true, d.ownSystem()
			if p.bond.Mode != links.BondLACP {
				return
			}
			p.bond.ActorKey = uint16(min(number, member.RemoteEthTrunk))
			p.bond.ActorPriority = lacpPriority(m)
			p.bond.ActorSystem = sharedSystem(m, m.ETrunks[id])
			if p.aside == p.bond.ActorSystem {
				p.aside[5] ^= 0xff
			}
			return
		}
	}
}

// lacpPriority is the configured priority as the kernel has it.
func lacpPriority(m *config.Model) uint16 { return max(m.LACPPriority, 1) }

// sharedSystem is the configured LACP system identifier or one that both
// devices make of what they know alike: the E-Trunk and its two addresses.
func sharedSystem(m *config.Model, t *config.ETrunk) [6]byte {
	if m.LACPSystemID != (config.MAC{}) {
		return m.LACPSystemID
	}
	low, high := t.Local, t.Peer
	if high.Less(low) {
		low, high = high, low
	}
	sum := sha256.Sum256(slices.Concat([]byte("tandem LACP system"), []byte{byte(t.ID)}, low.AsSlice(), high.AsSlice()))
	return [6]byte{0x02, sum[0], sum[1], sum[2], sum[3], sum[4]} // locally administered unicast
}

// lastPriority is the system priority of a bond that stands aside: a partner that
// chooses its aggregate by the systems it sees takes that of the bond that serves.
const lastPriority = 65535

// actor is the LACP system of a bond as it is to be now.
func (p bondPlan) actor(aside bool) ownedActor {
	if aside {
		return ownedActor{lastPriority, p.aside}
	}
	return ownedActor{p.bond.ActorPriority, p.bond.ActorSystem}
}
