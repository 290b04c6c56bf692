package proof

import (
	"time"

	"tandem/internal/instant"
)

const (
	// lossAfter is how long most packets must be lost before that is believed. Whoever
	// drops all packets is known after this and the time between two looks.
	lossAfter = 500 * time.Millisecond
	// trustAfter is how long most packets must come out again.
	trustAfter = time.Second
	// forgetAfter is how long nothing must be known any more that speaks for a loss: no
	// packets, and nobody who might drop them. A device that is not ready for the loss sends
	// nothing, so it cannot see that it is over.
	forgetAfter = 10 * time.Second
)

// Passage is what has been counted of the packets that are forwarded out of one interface,
// since some moment.
type Passage struct {
	Offered      uint64 // that were to leave there
	Held, Passed uint64 // that have come to the gate and were held back there, or let pass
	Left         uint64 // that have come out at the end
}

// Place is where packets are lost.
type Place uint8

// Places. What comes to the gate shows the way there also while the gate is closed.
const (
	Nowhere Place = iota
	BeforeGate
	BehindGate
)

// Leaving judges whether the packets that are to leave by an interface do so. Only the loss of
// most of them counts: an operator may have single streams dropped on purpose. The
// zero Leaving is an interface of which nothing is known, and which is trusted.
type Leaving struct {
	last           Passage
	lastAt         instant.Time
	before, behind stretch
}

// Lost is where most packets are lost.
func (l *Leaving) Lost() Place {
	switch {
	case l.before.lost:
		return BeforeGate
	case l.behind.lost:
		return BehindGate
	}
	return Nowhere
}

// Look takes a reading and reports whether Lost has changed. The counters must be read in the
// order of [Passage]. Counters that are lower than before begin anew. Suspect says
// that somebody is known who may drop packets where they are lost.
func (l *Leaving) Look(now instant.Time, p Passage, suspect bool) (changed bool) {
	last, lastAt, lost := l.last, l.lastAt, l.Lost()
	l.last, l.lastAt = p, now
	if !lastAt.IsSet() || p.Offered < last.Offered || p.Held < last.Held || p.Passed < last.Passed || p.Left < last.Left {
		return false
	}
	offered, held, passed := p.Offered-last.Offered, p.Held-last.Held, p.Passed-last.Passed
	l.before.look(lastAt, now, offered, held+passed, suspect)
	// Others may have packets pass the gate that were not offered: frames of a bridge.
	l.behind.look(lastAt, now, min(passed, offered-min(held, offered)), p.Left-last.Left, suspect)
	return l.Lost() != lost
}

// stretch is a part of the way out.
type stretch struct {
	lost   bool
	since  instant.Time // from when on all that was seen speaks against lost, Never when nothing does
	seenAt instant.Time // when packets have last gone in
}

// look judges by the packets that have gone in and come out between two instants.
func (s *stretch) look(from, to instant.Time, in, out uint64, suspect bool) {
	if in > 0 || !s.seenAt.IsSet() {
		s.seenAt = to
	}
	loses, quiet := 2*out < in, in+out == 0
	switch {
	case quiet:
		if s.lost && !suspect && to.Sub(s.seenAt) >= forgetAfter {
			*s = stretch{}
		}
	case loses == s.lost:
		s.since = instant.Never
	case loses:
		s.against(from, to, lossAfter)
	default:
		s.against(to, to, trustAfter)
	}
}

// against takes what speaks against the verdict, and turns it when nothing else was seen for long
// enough.
func (s *stretch) against(from, now instant.Time, enough time.Duration) {
	if !s.since.IsSet() {
		s.since = from
	}
	if now.Sub(s.since) >= enough {
		s.lost, s.since = !s.lost, instant.Never
	}
}
