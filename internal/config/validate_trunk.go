package config

// port checks an interface that joined an Eth-Trunk. It has no life of its own.
func (v *validator) port(where string, i *Interface) {
	if v.m.Interfaces[i.Trunk] == nil {
		v.fail(where, "unknown %s; the trunk is made with interface %s", i.Trunk, i.Trunk)
	}
	if i.MLD.Enabled || i.MLD.Proxy || i.Profile != "" || len(i.Addresses) > 0 {
		v.fail(where, "a port of %s can have no address, no MLD and no profile; the trunk has them", i.Trunk)
	}
}

// subInterface checks that two sub-interfaces of a trunk do not want the same frames.
func (v *validator) subInterface(where string, i *Interface) {
	trunk, _, _ := i.Name.OnEthTrunk()
	if v.m.Interfaces[EthTrunkName(trunk)] == nil {
		v.fail(where, "unknown %s; the trunk is made with interface %s", EthTrunkName(trunk), EthTrunkName(trunk))
	}
	inOrder(v.m.Interfaces, func(other *Interface) {
		n, _, on := other.Name.OnEthTrunk()
		if on && n == trunk && other.Name > i.Name && other.VLAN == i.VLAN {
			v.fail(where, "%s has VLAN %d too", other.Name, i.VLAN)
		}
	})
}
