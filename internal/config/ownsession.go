package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// endpoints identify a session. No two sessions have the same endpoints.
type endpoints struct {
	peer, local netip.Addr
	vpn         string
	by          InterfaceName
}

func (s *BFDSession) endpoints() endpoints { return endpoints{s.Peer, s.Local, s.VPN, s.Interface} }

// ownSession returns the session that an E-Trunk itself makes, nil if it makes none.
// E-Trunks between the same addresses share one session. It has the name of the first of
// them and the shortest intervals that any of them wants.
func (m *Model) ownSession(t *ETrunk) *BFDSession {
	if !t.wantsSession() {
		return nil
	}
	var shared *BFDSession
	for _, id := range slices.Sorted(maps.Keys(m.ETrunks)) {
		o := m.ETrunks[id]
		switch {
		case !o.wantsSession() || o.Peer != t.Peer || o.Local != t.Local || o.VPN != t.VPN:
		case shared == nil:
			shared = o.session()
		default:
			shared.MinTx, shared.MinRx = min(shared.MinTx, o.BFD.MinTx), min(shared.MinRx, o.BFD.MinRx)
			shared.DetectMult = min(shared.DetectMult, o.BFD.DetectMult)
			shared.TrackInterface = firstSet(shared.TrackInterface, o.BFD.TrackInterface)
		}
	}
	return shared
}

func (t *ETrunk) wantsSession() bool { return t.BFD.Enabled && t.Peer.IsValid() }

func (t *ETrunk) session() *BFDSession {
	s := newBFDSession(fmt.Sprintf("e-trunk %d", t.ID))
	s.Peer, s.Local, s.VPN, s.Auto, s.Dynamic = t.Peer, t.Local, t.VPN, true, true
	s.TrackInterface, s.MinTx, s.MinRx, s.DetectMult = t.BFD.TrackInterface, t.BFD.MinTx, t.BFD.MinRx, t.BFD.DetectMult
	return s
}

// AllSessions returns the configured BFD sessions and those that E-Trunks make, sorted by
// name.
func (m *Model) AllSessions() []*BFDSession {
	all := slices.Collect(maps.Values(m.Sessions))
	known := map[string]bool{}
	for _, t := range m.ETrunks {
		if s := m.ownSession(t); s != nil && !known[s.Name] {
			known[s.Name] = true
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *BFDSession) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// ownSession checks the BFD session that an E-Trunk itself makes.
func (v *validator) ownSession(where string, t *ETrunk) {
	own := v.m.ownSession(t)
	switch {
	case !t.BFD.Enabled:
		return
	case t.TrackBFD:
		v.fail(where, "it has a BFD session of its own (e-trunk bfd enable) and cannot track another one as well")
		return
	case own == nil:
		v.warn(where, "without peer-ipv6 it has no BFD session of its own either")
		return
	case !v.m.BFD:
		v.warn(where, "BFD is not enabled globally, so its own session does not start")
	}
	inOrder(v.m.Sessions, func(s *BFDSession) {
		if s.endpoints() == own.endpoints() || strings.EqualFold(s.Name, own.Name) {
			v.fail(where, "BFD session %s is in the way of its own, %s (%s); track it, or undo it", s.Name, own.Name, own.binding())
		}
	})
}
