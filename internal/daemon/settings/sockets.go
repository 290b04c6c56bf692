package settings

import (
	"tandem/internal/daemon/channel"
	"tandem/internal/daemon/hello"
	"tandem/internal/daemon/multicast"
	"tandem/internal/pki"
)

// Multicast returns the multicast interfaces, and those of them on which packets to the
// devices' own ports are refused.
func (t Translation) Multicast() (all multicast.Interfaces) {
	for _, i := range t.multicast() {
		netdev := t.Links.Netdev(i.Name)
		all.Names = append(all.Names, netdev)
		switch {
		case i.MLD.Proxy:
			all.Upstream = netdev
		case !t.leadsToPeer(i):
			all.Guarded = append(all.Guarded, netdev)
		}
	}
	all.Control = t.control()
	return all
}

// Hellos returns the sockets that the hellos of the E-Trunks need: one for each source
// address of a path. A path in a VPN instance that does not exist needs no socket.
func (t Translation) Hellos() map[hello.Address]hello.Binding {
	all := make(map[hello.Address]hello.Binding)
	for _, e := range t.Model.ETrunks {
		for _, path := range e.Paths() {
			vrf := t.Links.VRF(path.VPN)
			if path.VPN == "" || vrf != 0 {
				all[hello.Address{Local: path.Local, VPN: path.VPN}] = hello.Binding{
					Port: t.Model.ETrunkPort, VRF: vrf, Share: len(t.Model.VPNs) > 0,
				}
			}
		}
	}
	return all
}

// Policies returns the SSL policies of the services that use TLS, by service.
func (t Translation) Policies() map[string]channel.Policy {
	all := make(map[string]channel.Policy)
	for name, service := range t.Model.Services {
		if p := t.Model.SSLPolicy(service.SSLPolicy); p != nil {
			all[name] = channel.Policy{Name: p.Name, Files: pki.Files{CA: p.CA, Certificate: p.Certificate, Key: p.Key}}
		}
	}
	return all
}
