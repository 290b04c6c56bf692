package config

import "tandem/internal/etrunk"

// port checks an interface that is a port of an Eth-Trunk. Such an interface cannot have
// most other settings.
func (v *validator) port(where string, i *Interface) {
	if v.m.Interfaces[i.Trunk] == nil {
		v.fail(where, "unknown %s; the trunk is made with interface %s", i.Trunk, i.Trunk)
	}
	if i.MLD.Enabled || i.MLD.Proxy || i.Profile != "" || len(i.Addresses) > 0 {
		v.fail(where, "a port of %s can have no address, no MLD and no profile; the trunk has them", i.Trunk)
	}
}

// subInterface checks that the parent interface of a sub-interface is configured.
func (v *validator) subInterface(where string, i *Interface) {
	trunk, _, _ := i.Name.OnEthTrunk()
	if v.m.Interfaces[EthTrunkName(trunk)] == nil {
		v.fail(where, "unknown %s; the trunk is made with interface %s", EthTrunkName(trunk), EthTrunkName(trunk))
	}
}

// heartbeats checks the heartbeat paths of an E-Trunk. The addresses of a hello show its
// path, so no two paths may have the same addresses.
func (v *validator) heartbeats(where string, t *ETrunk) {
	if n := len(t.Heartbeats); n > etrunk.MaxHeartbeats {
		v.fail(where, "it has %d heartbeats, at most %d are possible", n, etrunk.MaxHeartbeats)
	}
	paths := t.Paths()
	for i, p := range paths {
		for _, other := range paths[:i] {
			if p.Clashes(other) {
				v.fail(where, "heartbeat %v has an address of %v; the addresses of a path must be its own", p, other)
				break
			}
		}
	}
	for _, h := range t.Heartbeats {
		v.vpn(where, h.VPN)
	}
}
