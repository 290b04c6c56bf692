package settings

import (
	"tandem/internal/daemon/channel"
	"tandem/internal/daemon/hello"
	"tandem/internal/pki"
)

// Multicast returns the Linux names of the multicast interfaces, and which of them is upstream;
// upstream is empty if there is none.
func (t Translation) Multicast() (netdevs []string, upstream string) {
	for _, i := range t.multicast() {
		netdevs = append(netdevs, t.Links.Netdev(i.Name))
		if i.MLD.Proxy {
			upstream = t.Links.Netdev(i.Name)
		}
	}
	return netdevs, upstream
}

// Hellos returns the sockets that the hellos of the E-Trunks need: one for each source address
// of a path. A path in a VPN instance that does not exist needs none.
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
