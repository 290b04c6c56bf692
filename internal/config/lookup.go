package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tandem/internal/etrunk"
)

// byName finds an object by its name, in upper or lower case.
func byName[V any](objects map[string]*V, name string) *V { return objects[nameOf(objects, name)] }

// nameOf returns the name of an object in the case of its first use. If the object does not
// exist, it returns the name unchanged.
func nameOf[V any](objects map[string]*V, name string) string {
	if objects[name] != nil {
		return name
	}
	for known := range objects {
		if strings.EqualFold(known, name) {
			return known
		}
	}
	return name
}

// Service returns the remote backup service with a name, nil if there is none.
func (m *Model) Service(name string) *Service { return byName(m.Services, name) }

// LeadTo lists the E-Trunks whose hellos identify the peer of a service: the E-Trunks
// between the addresses of the service, or, if there are none, the E-Trunks that its
// profiles name.
func (m *Model) LeadTo(s *Service) (ids []uint32) {
	var named []uint32
	for _, id := range slices.Sorted(maps.Keys(m.ETrunks)) {
		if e := m.ETrunks[id]; e.VPN == "" && s.Peer.IsValid() && e.Peer == s.Peer && e.Local == s.Local {
			ids = append(ids, id)
		}
		for _, p := range m.Profiles {
			if p.ETrunk == id && m.Service(p.Service) == s {
				named = append(named, id)
				break
			}
		}
	}
	if len(ids) > 0 {
		return ids
	}
	return named
}

// SSLPolicy returns the SSL policy with a name, nil if there is none.
func (m *Model) SSLPolicy(name string) *SSLPolicy { return byName(m.SSLPolicies, name) }

// Profile returns the remote backup profile with a name, nil if there is none.
func (m *Model) Profile(name string) *Profile { return byName(m.Profiles, name) }

// Session returns the BFD session with a name, nil if there is none.
func (m *Model) Session(name string) *BFDSession { return byName(m.Sessions, name) }

// Tuning returns the MLD values that are in force on an interface: its own values; if not
// set, those of the MLD view; if not set there, the defaults.
func (m *Model) Tuning(i *Interface) Tuning {
	return Tuning{
		QueryInterval:        firstSet(i.MLD.QueryInterval, m.MLD.QueryInterval, defaultTuning.QueryInterval),
		MaxResponse:          firstSet(i.MLD.MaxResponse, m.MLD.MaxResponse, defaultTuning.MaxResponse),
		LastListenerInterval: firstSet(i.MLD.LastListenerInterval, m.MLD.LastListenerInterval, defaultTuning.LastListenerInterval),
		Robustness:           firstSet(i.MLD.Robustness, m.MLD.Robustness, defaultTuning.Robustness),
	}
}

func firstSet[V comparable](values ...V) V {
	var zero V
	for _, v := range values {
		if v != zero {
			return v
		}
	}
	return zero
}

// Member is an Eth-Trunk that belongs to an E-Trunk.
type Member struct {
	EthTrunk, RemoteEthTrunk uint32
	Mode                     etrunk.MemberMode
}

// Members returns the members of an E-Trunk in the order of their numbers: Eth-Trunks that
// have joined it, and Eth-Trunks that a profile binds to it.
func (m *Model) Members(eTrunk uint32) []Member {
	members := map[uint32]Member{}
	for name, i := range m.Interfaces {
		if n, ok := name.EthTrunk(); ok && i.ETrunk == eTrunk {
			members[n] = Member{n, i.RemoteEthTrunk, i.MemberMode}
		}
	}
	for _, p := range m.Profiles {
		if _, known := members[p.EthTrunk]; p.ETrunk != eTrunk || known {
			continue
		}
		member := Member{EthTrunk: p.EthTrunk, RemoteEthTrunk: p.EthTrunk}
		if i := m.Interfaces[EthTrunkName(p.EthTrunk)]; i != nil {
			member.Mode = i.MemberMode
		}
		members[p.EthTrunk] = member
	}
	return slices.SortedFunc(maps.Values(members), func(a, b Member) int { return int(a.EthTrunk) - int(b.EthTrunk) })
}

// Ports returns the interfaces that are ports of an Eth-Trunk, sorted by name.
func (m *Model) Ports(trunk InterfaceName) []InterfaceName {
	var ports []InterfaceName
	for name, i := range m.Interfaces {
		if i.Trunk == trunk {
			ports = append(ports, name)
		}
	}
	slices.Sort(ports)
	return ports
}

// BoundSession returns the BFD session that an E-Trunk tracks: its own session, a
// configured one, or nil if it tracks none. A named session must have the E-Trunk's
// addresses. Without a name, exactly one session must have them. For a session whose local
// address the device chooses, only the peer's address is compared.
func (m *Model) BoundSession(t *ETrunk) (*BFDSession, error) {
	if !t.TrackBFD {
		return m.ownSession(t), nil
	}
	return m.findSession(t)
}

// findSession implements BoundSession for an E-Trunk that binds a session.
func (m *Model) findSession(t *ETrunk) (*BFDSession, error) {
	between := func(s *BFDSession) bool {
		return s.VPN == t.VPN && s.Peer == t.Peer && (s.Local == t.Local || !s.Local.IsValid())
	}
	if !t.Peer.IsValid() {
		return nil, errors.New("it tracks a BFD session between its addresses, and has no peer-ipv6")
	}
	if t.BFDSession != "" {
		s := m.Session(t.BFDSession)
		switch {
		case s == nil:
			return nil, fmt.Errorf("unknown BFD session %s; %s", t.BFDSession, known(m.Sessions))
		case !between(s):
			return nil, fmt.Errorf("BFD session %s has other addresses (%v to %v) than the E-Trunk (%v to %v)",
				s.Name, s.Local, s.Peer, t.Local, t.Peer)
		}
		return s, nil
	}
	var found []string
	for name, s := range m.Sessions {
		if between(s) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("no BFD session is bound to its addresses (%v to %v); %s", t.Local, t.Peer, known(m.Sessions))
	case 1:
		return m.Sessions[found[0]], nil
	}
	return nil, fmt.Errorf("several BFD sessions are bound to its addresses (%s); name one", strings.Join(found, ", "))
}
