package proof

import (
	"time"

	"tandem/internal/instant"
)

const (
	// lossAfter is how long most packets must be lost before a loss is reported. A loss of
	// all packets is reported after this time and one interval between looks.
	lossAfter = 500 * time.Millisecond
	// trustAfter is how long most packets must leave again before a loss ends.
	trustAfter = time.Second
	// forgetAfter is how long there must be no evidence of a loss before the loss ends:
	// no lost packets, and no known chain that may drop them. A device that is not ready
	// because of the loss sends nothing, so it cannot measure that the loss is over.
	forgetAfter = 10 * time.Second
)

// Passage counts the packets that are forwarded out of one interface. Only differences
// between two readings matter.
type Passage struct {
	Offered      uint64 // packets that the kernel's routing sent towards the interface
	Held, Passed uint64 // packets that arrived at the gate: it held them back, or let them pass
	Left         uint64 // packets that reached the end of the way, the interface
}

// Place is where packets are lost.
type Place uint8

// The places. Packets that arrive at the gate prove that the way to it works, even while
// the gate is closed.
const (
	Nowhere Place = iota
	BeforeGate
	BehindGate
)

// Leaving decides whether the packets that are forwarded out of an interface really leave.
// It reports a loss only if most packets are lost, because an operator may drop single
// streams on purpose. The zero Leaving is an interface without any reading; it has no loss.
type Leaving struct {
	last           Passage
	lastAt         instant.Time
	before, behind stretch
}

// Lost returns where most packets are lost.
func (l *Leaving) Lost() Place {
	switch {
	case l.before.lost:
		return BeforeGate
	case l.behind.lost:
		return BehindGate
	}
	return Nowhere
}

// Look takes a reading and reports whether Lost has changed. The counters must be read in
// the order of [Passage]. If a counter is lower than before, the kernel has reset it.
// suspect says that a chain of the packet filter is known that may drop these packets.
func (l *Leaving) Look(now instant.Time, p Passage, suspect bool) (changed bool) {
	last, lastAt, lost := l.last, l.lastAt, l.Lost()
	l.last, l.lastAt = p, now
	if !lastAt.IsSet() || p.Offered < last.Offered || p.Held < last.Held || p.Passed < last.Passed || p.Left < last.Left {
		return false
	}
	offered, held, passed := p.Offered-last.Offered, p.Held-last.Held, p.Passed-last.Passed
	l.before.look(lastAt, now, offered, held+passed, suspect)
	// More packets can pass the gate than were offered: a bridge may send its frames
	// through it.
	l.behind.look(lastAt, now, min(passed, offered-min(held, offered)), p.Left-last.Left, suspect)
	return l.Lost() != lost
}

// stretch is one part of the way out: to the gate, or behind it.
type stretch struct {
	lost   bool
	since  instant.Time // since when all evidence contradicts lost; Never if there is none
	seenAt instant.Time // when packets last entered the stretch
}

// look judges the stretch by the packets that have entered and left it between two
// instants.
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

// against handles evidence that contradicts the verdict. When only such evidence has come
// for long enough, it changes the verdict.
func (s *stretch) against(from, now instant.Time, enough time.Duration) {
	if !s.since.IsSet() {
		s.since = from
	}
	if now.Sub(s.since) >= enough {
		s.lost, s.since = !s.lost, instant.Never
	}
}
