package bfdsession

import (
	"maps"
	"slices"

	"tandem/internal/etrunk"
)

// Lost reports whether an interface is to be taken for down as a session on it has
// failed. The name is Linux's.
func (s *Sessions) Lost(netdev string) bool { return s.state.Lost[netdev] }

// Follow takes for down the interfaces on which a session has failed
// (`process-interface-status'), and no longer those that have it back. It tells
// Options.InterfaceChanged of each that changes.
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
