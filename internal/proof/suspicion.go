package proof

import (
	"time"

	"tandem/internal/instant"
)

const (
	// announceWithin is how long the peer's report that a stream flows may take. It is
	// the time of quietShare looks and of the message, doubled because the peer may be
	// slow.
	announceWithin = 150 * time.Millisecond
	// enoughPackets is how many packets of a stream must arrive here, and none at the
	// peer, before this device stands in. It applies if the time of the peer's last
	// packet is unknown.
	enoughPackets = 5
	// lookPrecision is by how much a pause may have been longer than the looks have
	// measured: the time between two looks, and a little more. For a long pause it is a
	// share of the pause (lookShare), because not every look reads a stream that has been
	// silent for long.
	lookPrecision = 15 * time.Millisecond
	lookShare     = 8
	// giveBackAfter is how long a stream must have flowed at the peer again, without
	// counting pauses of the source, before this device stops standing in.
	giveBackAfter = time.Second
	// rememberFor is how long this device keeps standing in for a stream that flows at
	// neither device. So nothing changes when the source has only paused and goes on.
	rememberFor = 5 * time.Minute
)

// Advance does all that is due.
func (a *Arriving[K]) Advance(now instant.Time) {
	for f, ok := a.due.Due(now); ok; f, ok = a.due.Due(now) {
		a.judge(now, f)
	}
}

// Deadline returns when Advance must be called next, Never if nothing is due.
func (a *Arriving[K]) Deadline() instant.Time { return a.due.Deadline() }

// judge decides whether this device stands in for a stream, and when to decide again.
func (a *Arriving[K]) judge(now instant.Time, f *arrival[K]) {
	at := instant.Never
	switch {
	case f.taken > 0:
		if at = a.takenUntil(f); at.IsDue(now) {
			a.release(now, f)
			at = instant.Never
		} else if f.arrives.IsSet() && a.suspected(f) {
			at = instant.Earliest(at, a.lookUntil(now, f))
		}
	case a.suspected(f):
		at = a.lookUntil(now, f)
	}
	mark(&f.lackingFrom, now, f.lacking())
	mark(&f.takenFrom, now, f.taken > 0)
	switch {
	case !f.flows && f.peer != peerFlows && f.taken == 0 && !f.standsIn:
		a.drop(f)
	case at.IsSet() && f.place == instant.Out:
		a.due.Push(at, f)
	case at.IsSet():
		a.due.Move(f.place, at)
	case f.place != instant.Out:
		a.due.Remove(f.place)
	}
}

// lookUntil requests a look at a suspected stream if it is due, and returns when the next
// request is due.
func (a *Arriving[K]) lookUntil(now instant.Time, f *arrival[K]) instant.Time {
	if f.lookAt.IsDue(now) {
		a.looks = append(a.looks, f.key)
		f.asked, f.lookAt = true, now.Add(announceWithin) // if no Seen comes by then, request another look
	}
	return f.lookAt
}

// takenUntil returns when this device ends standing in for a stream, Never if there is no
// such time yet.
func (a *Arriving[K]) takenUntil(f *arrival[K]) instant.Time {
	switch {
	case !a.complete.IsSet():
	case f.arrives.IsSet(): // the stream arrives at the peer, or its source pauses
		return max(f.arrives, a.complete).Add(giveBackAfter)
	case !f.flows:
		return max(f.silent, f.peerSince).Add(rememberFor)
	}
	return instant.Never
}

// suspected reports whether a stream seems to flow here and not at the peer.
func (a *Arriving[K]) suspected(f *arrival[K]) bool {
	return a.complete.IsSet() && f.flows && f.peer != peerFlows
}

// suspect starts the time within which the peer has to report that a stream flows there.
func (a *Arriving[K]) suspect(now instant.Time, f *arrival[K]) {
	f.peerLast, f.asked, f.came = instant.Never, false, false
	f.question, f.answered = instant.Never, false
	f.from, f.lookAt = now, now.Add(announceWithin)
}

// lacks decides by the result of a look whether the peer lacks a suspected stream. If it
// cannot decide yet, it sets the time of the next look.
//
// A report may have been on its way for any time, and the next one may be on its way. So
// this device asks once it has seen enough, and decides by the answer.
func (a *Arriving[K]) lacks(now instant.Time, f *arrival[K], s Sight) bool {
	answered := f.answered
	f.answered = false
	if !f.seenEnough(now, s, answered) {
		return false
	}
	if !answered {
		f.question, f.lookAt = now, now.Add(announceWithin)
		a.told = append(a.told, f.key)
	}
	return answered
}

// seenEnough reports whether so much of a suspected stream has arrived here that the peer lacks it
// unless its latest report is outdated. If not, it sets the time of the next look.
func (f *arrival[K]) seenEnough(now instant.Time, s Sight, answered bool) bool {
	if f.peerLast.IsSet() {
		f.lookAt = now.Add(announceWithin)
		silence := f.silence
		if !answered {
			silence = now.Sub(f.peerLast) // if it has gone on
		}
		return longestPause(now, s, f.peerLast) < beyondDoubt(silence)
	}
	if !f.counted {
		f.packets, f.counted = s.Packets, true
	}
	came := s.Packets - f.packets
	if came > 0 && !f.came { // the peer may still report these packets, too
		f.came, f.from = true, now
	}
	f.lookAt = now.Add(max(lookPrecision, now.Sub(f.from)/8))
	return came >= enoughPackets && now.Sub(f.from) >= announceWithin
}

// hear takes the peer's report of a suspected stream.
func (f *arrival[K]) hear(now instant.Time, t Told) {
	sent := now // at the latest
	if t.Answers && f.question.IsSet() {
		sent, f.answered, f.lookAt = f.question, true, now // at the earliest
	}
	if f.peer == peerSilent && t.Age < rememberFor {
		f.peerLast, f.silence, f.lookAt = sent.Add(-t.Age), t.Age, now
	}
}

// longestPause returns the longest pause here in the time since the peer's last packet.
func longestPause(now instant.Time, s Sight, since instant.Time) time.Duration {
	pause := now.Sub(s.Last)
	if s.PauseEnd > since.Add(-announceWithin) {
		pause = max(pause, s.Pause)
	}
	return pause
}

// beyondDoubt returns how long a pause here would be if the source itself had caused the
// silence at the peer.
func beyondDoubt(silence time.Duration) time.Duration {
	return max(silence/2, silence-max(lookPrecision, silence/lookShare))
}
