package proof

import (
	"time"

	"tandem/internal/instant"
)

const (
	// announceWithin is how long the peer may take to tell of a stream that flows here, or to take
	// back that it is silent: quietShare looks and the way, twice for a slow one.
	announceWithin = 150 * time.Millisecond
	// enoughPackets is how many packets of a stream must have come here while the peer has
	// none of them, where nothing tells when the peer had one.
	enoughPackets = 5
	// lookPrecision is what a pause may have been longer than the looks have seen it: the
	// time between two looks, and a little. Of a long pause it is that part of it which
	// lookShare says, for a stream that has been silent for long is not looked at each time.
	lookPrecision = 15 * time.Millisecond
	lookShare     = 8
	// giveBackAfter is how long a stream must have flowed to the peer again.
	giveBackAfter = time.Second
	// rememberFor is how long this device stands in for a stream that flows to neither. A source
	// that pauses meanwhile finds everything as it was.
	rememberFor = 5 * time.Minute
)

// Advance does what is due.
func (a *Arriving[K]) Advance(now instant.Time) {
	for f, ok := a.due.Due(now); ok; f, ok = a.due.Due(now) {
		a.judge(now, f)
	}
}

// Deadline is when Advance has to be called next, Never while nothing is due.
func (a *Arriving[K]) Deadline() instant.Time { return a.due.Deadline() }

// judge decides what follows for a stream, and when to decide again.
func (a *Arriving[K]) judge(now instant.Time, f *arrival[K]) {
	at := instant.Never
	switch {
	case f.taken > 0:
		if at = a.takenUntil(f); at.IsDue(now) {
			a.release(now, f)
			at = instant.Never
		}
	case a.suspected(f):
		if at = f.lookAt; at.IsDue(now) {
			a.looks = append(a.looks, f.key)
			f.asked, f.lookAt = true, now.Add(announceWithin) // for a look that is not answered
			at = f.lookAt
		}
	}
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

// takenUntil is when this device no longer stands in for a stream, Never for as long as it must.
func (a *Arriving[K]) takenUntil(f *arrival[K]) instant.Time {
	switch {
	case !a.complete.IsSet():
	case f.peer == peerFlows:
		return max(f.peerSince, a.complete).Add(giveBackAfter)
	case !f.flows:
		return max(f.silent, f.peerSince).Add(rememberFor)
	}
	return instant.Never
}

// suspected reports whether a stream seems to flow here only.
func (a *Arriving[K]) suspected(f *arrival[K]) bool {
	return a.complete.IsSet() && f.flows && f.peer != peerFlows
}

// suspect gives the peer the time to tell of a stream, from now on.
func (a *Arriving[K]) suspect(now instant.Time, f *arrival[K]) {
	f.peerLast, f.asked = instant.Never, false
	f.from, f.lookAt = now, now.Add(announceWithin)
}

// lacks judges by a look whether the peer lacks a suspected stream, or sets when to look again.
func (f *arrival[K]) lacks(now instant.Time, s Sight) bool {
	if f.peerLast.IsSet() {
		f.lookAt = now.Add(announceWithin)
		return longestPause(now, s, f.peerLast) < beyondDoubt(now.Sub(f.peerLast))
	}
	if !f.counted {
		f.packets, f.counted = s.Packets, true
	}
	f.lookAt = now.Add(max(lookPrecision, now.Sub(f.from)/8))
	return s.Packets-f.packets >= enoughPackets
}

// longestPause is how long no packet came here at most, of the time since the peer had its last.
func longestPause(now instant.Time, s Sight, since instant.Time) time.Duration {
	pause := now.Sub(s.Last)
	if s.PauseEnd > since.Add(-announceWithin) {
		pause = max(pause, s.Pause)
	}
	return pause
}

// beyondDoubt is how long a pause here would be if the source were what is silent at the peer.
func beyondDoubt(silence time.Duration) time.Duration {
	return max(silence/2, silence-max(lookPrecision, silence/lookShare))
}
