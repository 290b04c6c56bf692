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

// subInterface checks that a sub-interface is on something.
func (v *validator) subInterface(where string, i *Interface) {
	trunk, _, _ := i.Name.OnEthTrunk()
	if v.m.Interfaces[EthTrunkName(trunk)] == nil {
		v.fail(where, "unknown %s; the trunk is made with interface %s", EthTrunkName(trunk), EthTrunkName(trunk))
	}
}
