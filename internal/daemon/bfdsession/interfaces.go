package bfdsession

import (
	"maps"
	"slices"

	"tandem/internal/etrunk"
)

// Lost reports whether an interface, given by its Linux name, counts as down because a session
// on it has failed.
func (s *Sessions) Lost(netdev string) bool { return s.state.Lost[netdev] }

// Follow marks the interfaces on which a session has failed as down
// (`process-interface-status'), and the others as not. It calls Options.InterfaceChanged for
// each interface that changes.
func (s *Sessions) Follow() {
	before, now := s.state.Lost, make(map[string]bool)
	for _, c := range s.model.Sessions {
		if s.model.BFD && c.ProcessInterface && !c.Shutdown && s.state.told(c.Name) == etrunk.BFDDown {
			now[s.o.Links.Netdev(c.Interface)] = true
		}
	}
	s.state.Lost = now
	either := maps.Clone(now)
	maps.Copy(either, before)
	for _, netdev := range slices.Sorted(maps.Keys(either)) {
		if now[netdev] != before[netdev] {
			s.o.InterfaceChanged(netdev)
		}
	}
}
