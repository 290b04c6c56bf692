package netif

import (
	"net/netip"

	"tandem/internal/device"
)

// State is what an Owner knows beyond what the kernel shows and beyond one event. A
// graceful restart hands it on whole.
type State struct {
	Interfaces map[string]*Interface // by Linux name
	Trunks     map[string]*Trunk     // by Linux name
	// Missing says of each interface, by Linux name, why it could not be had. It is
	// logged once.
	Missing map[string]string
}

// Interface is what was done here to an interface.
type Interface struct {
	Added   []netip.Prefix // addresses
	Raised  int            // index of the link that was set up once and is left to others since, else 0
	Lowered bool           // by `shutdown`
	// LinkLocal says that a link-local address of ours was added.
	LinkLocal bool
}

// Trunk is what is known of an Eth-Trunk's interface.
type Trunk struct {
	Asked device.LegChange // what the device asked last of a leg; its Netdev is empty before
	Actor LACPSystem       // written last, for where the kernel hides it; zero when not known
	Apart bool             // LACP has no port of it in an aggregate with the switch
	Key   uint16           // operational LACP key, 0 where there is none
	// Heard: a packet has come in since it has carrier. Received is how many had come in before.
	Heard    bool
	Received uint64
}

// trunk returns what is known of a trunk, to be changed.
func (s *State) trunk(netdev string) *Trunk { return entry(&s.Trunks, netdev) }

// forgetActor forgets the LACP system written last.
func (s *State) forgetActor(netdev string) {
	if t := s.Trunks[netdev]; t != nil {
		t.Actor = LACPSystem{}
	}
}

// on returns what was done to an interface, to be changed.
func (s *State) on(netdev string) *Interface { return entry(&s.Interfaces, netdev) }

// entry returns a map's entry and makes it where there is none.
func entry[V any](m *map[string]*V, key string) *V {
	if *m == nil {
		*m = make(map[string]*V)
	}
	if (*m)[key] == nil {
		(*m)[key] = new(V)
	}
	return (*m)[key]
}
