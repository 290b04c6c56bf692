package bfdsession

import (
	"tandem/internal/bfd"
	"tandem/internal/etrunk"
)

// told returns what the clients of a session have been told last.
func (s *State) told(session string) etrunk.BFDState {
	if state, known := s.Told[session]; known {
		return state
	}
	return etrunk.BFDPending
}

// tell takes note of a change and returns what the clients are to be told of it; news is
// false when they know already. The loop may tell one thing twice, and may leave out what
// was between.
func (s *State) tell(ev bfd.Event) (state etrunk.BFDState, news bool) {
	before := s.told(ev.Session)
	state = after(before, ev)
	if state == before {
		return state, false
	}
	switch state {
	case etrunk.BFDUp:
		s.Ups++
	case etrunk.BFDDown:
		s.Downs++
	}
	s.Told[ev.Session] = state
	return state, true
}

// after returns what clients that know of one state have to know after a change. A peer
// that says AdminDown has not failed (RFC 5882, section 3.2), and a session that never
// was Up cannot fail.
func after(before etrunk.BFDState, ev bfd.Event) etrunk.BFDState {
	switch {
	case ev.State == bfd.Up:
		return etrunk.BFDUp
	case ev.State == bfd.Init:
		return before
	case ev.State == bfd.Down && ev.Remote != bfd.AdminDown:
		if before != etrunk.BFDUp {
			return before
		}
		return etrunk.BFDDown
	default:
		return etrunk.BFDPending
	}
}
