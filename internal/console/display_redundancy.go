package console

import "tandem/internal/state"

// redundancyDisplay is `display redundancy`. It shows whether the peer, or this device,
// can be reloaded now, and for what reasons it cannot.
func redundancyDisplay(r state.Redundancy) Display {
	s := sheetOf(&r)
	s.field(0, 30, field{"Measured at", &r.At})
	s.within(&r.Peer, func() { showReload(s, "Safe to reload the peer", &r.Peer) })
	s.line("")
	s.within(&r.Self, func() { showReload(s, "Safe to reload this device", &r.Self) })
	return s.display()
}

func showReload(s *sheet, question string, r *state.Reload) {
	s.field(0, 30, field{question, &r.Safe})
	rowsIfAny(s, 1, &r.Against, func(o *state.Objection) []field {
		return []field{{"Object", &o.Object}, {"Reason", &o.Reason}, {"Since", &o.Since}, {"Seen by", &o.By}}
	})
}
