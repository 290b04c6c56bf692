package bfdsession

import (
	"tandem/internal/bfd"
	"tandem/internal/etrunk"
)

// told returns the state of a session that was last reported to its clients.
func (s *State) told(session string) etrunk.BFDState {
	if state, known := s.Told[session]; known {
		return state
	}
	return etrunk.BFDPending
}

// tell records a state change of a session and returns the state to report to its
// clients; news is false if they have it already. The loop may report a state twice, and
// may leave out intermediate states.
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

// after returns the state that the clients must have after a change, if before is the
// state that they have now. A peer that sends AdminDown has not failed (RFC 5882, section
// 3.2), and a session that was never Up cannot fail.
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
