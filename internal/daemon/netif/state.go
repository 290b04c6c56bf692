package netif

import (
	"net/netip"

	"tandem/internal/device"
)

// State is the state of an Owner that outlives an event and that the kernel does not
// show. A graceful restart hands all of it over.
type State struct {
	Interfaces map[string]*Interface // by Linux name
	Trunks     map[string]*Trunk     // by Linux name
	// Missing says, by an interface's Linux name, why the kernel cannot make the
	// interface. Each is logged once.
	Missing map[string]string
}

// Interface is what the daemon has done to an interface.
type Interface struct {
	Added   []netip.Prefix // addresses that the daemon has added
	Raised  int            // index of the link when it was set up; it is done once, and then left to other programs; else 0
	Lowered bool           // the daemon has set it down because of `shutdown`
	// LinkLocal says that an own link-local address was added.
	LinkLocal bool
}

// Trunk is the state of an Eth-Trunk's interface.
type Trunk struct {
	Asked device.LegChange // the device's last request for the leg; its Netdev is empty before the first
	Actor LACPSystem       // the LACP system written last, because some kernels do not show it; zero if unknown
	Apart bool             // no port is in an aggregate with the switch
	Key   uint16           // operational LACP key, 0 if there is none
	// Heard says that a packet has come in since the trunk got carrier. Received is the
	// packet count at an earlier check.
	Heard    bool
	Received uint64
}

// trunk returns a pointer to the state of a trunk.
func (s *State) trunk(netdev string) *Trunk { return entry(&s.Trunks, netdev) }

// forgetActor makes the LACP system unknown.
func (s *State) forgetActor(netdev string) {
	if t := s.Trunks[netdev]; t != nil {
		t.Actor = LACPSystem{}
	}
}

// on returns a pointer to what was done to an interface.
func (s *State) on(netdev string) *Interface { return entry(&s.Interfaces, netdev) }

// entry returns a map's entry. It makes the entry if there is none.
func entry[V any](m *map[string]*V, key string) *V {
	if *m == nil {
		*m = make(map[string]*V)
	}
	if (*m)[key] == nil {
		(*m)[key] = new(V)
	}
	return (*m)[key]
}
