package status

// Sample is the data of the plots for one second: of this device and, if its status has
// come, of the peer.
type Sample struct {
	At     int64  `json:"at"`
	Self   Totals `json:"self"`
	Peer   Totals `json:"peer"`
	Joins  uint64 `json:"joins"`  // joins at both devices in this second
	Leaves uint64 `json:"leaves"` // leaves at both devices in this second
}

// depth is how many samples a history holds: a quarter of an hour.
const depth = 900

// history is a ring of samples.
type history struct{ samples []Sample }

// add adds the totals of a second.
func (h *history) add(at int64, self, peer Totals) {
	s := Sample{At: at, Self: self, Peer: peer}
	if n := len(h.samples); n > 0 {
		last := &h.samples[n-1]
		s.Joins, s.Leaves = grown(last.Self.Joins, self.Joins), grown(last.Self.Leaves, self.Leaves)
		if last.Peer != (Totals{}) { // without an earlier value, the whole count of the peer would be in this second
			s.Joins += grown(last.Peer.Joins, peer.Joins)
			s.Leaves += grown(last.Peer.Leaves, peer.Leaves)
		}
	}
	if len(h.samples) == depth {
		h.samples = append(h.samples[:0], h.samples[1:]...)
	}
	h.samples = append(h.samples, s)
}

// grown returns by how much a counter has grown, 0 if it has begun again.
func grown(before, now uint64) uint64 {
	if now < before {
		return 0
	}
	return now - before
}

// list returns a copy of the history, the oldest first.
func (h *history) list() []Sample { return append([]Sample{}, h.samples...) }
