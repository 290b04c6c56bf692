package settings

import (
	"maps"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"tandem/internal/bfd"
	"tandem/internal/config"
	"tandem/internal/fib"
)

// control lists the UDP and TCP ports of the protocols between the devices of a pair.
func (t Translation) control() []fib.Port {
	ports := []fib.Port{{Protocol: unix.IPPROTO_UDP, Number: bfd.SingleHopPort}, {Protocol: unix.IPPROTO_UDP, Number: bfd.MultihopPort}}
	if len(t.Model.ETrunks) > 0 {
		ports = append(ports, fib.Port{Protocol: unix.IPPROTO_UDP, Number: t.Model.ETrunkPort})
	}
	for _, name := range slices.Sorted(maps.Keys(t.Model.Services)) {
		ports = append(ports, fib.Port{Protocol: unix.IPPROTO_TCP, Number: t.Model.Services[name].Port})
	}
	return ports
}

// leadsToPeer reports whether packets on an interface towards hosts may come from a
// configured peer: the peer's address is in a network of the interface, or a BFD session
// is bound to it.
func (t Translation) leadsToPeer(i *config.Interface) bool {
	for _, s := range t.Model.Sessions {
		if s.Interface == i.Name {
			return true
		}
	}
	networks := slices.Concat(i.Addresses, t.Links.Addresses(i.Name))
	return slices.ContainsFunc(t.peers(), func(peer netip.Addr) bool {
		return peer.IsLinkLocalUnicast() || slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(peer) })
	})
}

// peers lists the addresses of all configured peers.
func (t Translation) peers() (all []netip.Addr) {
	for _, e := range t.Model.ETrunks {
		for _, path := range e.Paths() {
			all = append(all, path.Peer)
		}
	}
	for _, s := range t.Model.Services {
		all = append(all, s.Peer)
	}
	for _, s := range t.Model.Sessions {
		all = append(all, s.Peer)
	}
	return all
}
