package config

import "net/netip"

// clashes finds pairs of objects that use the same resource. It reports each pair at the
// first of the two.
func (v *validator) clashes() {
	clash(v.m.Sessions, func(s *BFDSession) (uint32, bool) { return s.LocalDiscriminator, s.LocalDiscriminator != 0 },
		func(s, other *BFDSession) {
			v.fail("bfd "+s.Name, "its local discriminator %d is that of session %s too", s.LocalDiscriminator, other.Name)
		})
	clash(v.m.Sessions, func(s *BFDSession) (endpoints, bool) { return s.endpoints(), true },
		func(s, other *BFDSession) { v.fail("bfd "+s.Name, "it is bound as session %s is", other.Name) })
	type channel struct {
		peer, local netip.Addr
		port        uint16
	}
	clash(v.m.Services, func(s *Service) (channel, bool) { return channel{s.Peer, s.Local, s.Port}, s.Peer.IsValid() },
		func(s, other *Service) {
			v.fail("remote-backup-service "+s.Name, "it has the addresses and the port of %s", other.Name)
		})
	clash(v.m.Profiles, func(p *Profile) (uint32, bool) { return p.EthTrunk, p.ETrunk != 0 }, func(p, other *Profile) {
		if p.ETrunk != other.ETrunk {
			v.fail("remote-backup-profile "+p.Name, "it has Eth-Trunk %d in e-trunk %d, %s has it in e-trunk %d",
				p.EthTrunk, p.ETrunk, other.Name, other.ETrunk)
		}
	})
	type tag struct{ trunk, vlan uint32 }
	clash(v.m.Interfaces, func(i *Interface) (tag, bool) {
		trunk, _, on := i.Name.OnEthTrunk()
		return tag{trunk, uint32(i.VLAN)}, on && i.VLAN != 0
	}, func(i, other *Interface) {
		v.fail("interface "+string(i.Name), "%s has VLAN %d too", other.Name, i.VLAN)
	})
}

// clash calls told with each pair of objects that have the same key, in order. An object
// for which key returns false is not compared.
func clash[K interface{ ~string }, V any, C comparable](objects map[K]*V, key func(*V) (k C, ok bool), told func(first, other *V)) {
	first := map[C]*V{}
	inOrder(objects, func(o *V) {
		k, ok := key(o)
		switch before := first[k]; {
		case !ok:
		case before == nil:
			first[k] = o
		default:
			told(before, o)
		}
	})
}
