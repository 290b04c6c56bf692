package proof

import (
	"time"

	"tandem/internal/instant"
)

// mostStreams bounds those that are known from the peer alone.
const mostStreams = 1 << 17

// Sight is what this device has seen of a stream.
type Sight struct {
	Packets  uint64        // all that have come
	Last     instant.Time  // when the last of them came
	Pause    time.Duration // the longest between two of them that has ended lately
	PauseEnd instant.Time  // when that was
}

// Told is what the peer tells of a stream.
type Told struct {
	Flows     bool          // it comes in at the peer
	StandsIn  bool          // the peer sends it in this device's stead
	Withdrawn bool          // the peer does not watch it any more
	Age       time.Duration // since its last packet there, as of when this was sent
}

// Arriving judges which streams come in at one of two devices only, and what follows. Both
// tell each other which streams flow; a Watch finds that out. A stream that flows here and not at the
// peer is sent by this device in the peer's stead; until it has flowed there again for a second. One that
// flows to neither has a source that is silent: that is nobody's fault.
//
// A device learns that it lacks a stream by being told that the peer stands in for it. So only
// the device that has the stream judges, and it can compare its own packets with the peer's age.
//
// K names a stream. The zero Arriving knows of none, and of a peer that tells nothing.
type Arriving[K comparable] struct {
	streams []*arrival[K]
	byKey   map[K]*arrival[K]
	due     instant.Queue[*arrival[K]]
	taken   []K // those for which this device stands in

	complete   instant.Time // when the list of the streams that flow at the peer became complete, Never while it is not complete
	generation uint32       // of what the peer has told
	full       bool         // the peer has told of more streams than are kept

	counts     Counts
	mostHere   most // of them lack here
	mostThere  most
	looks      []K
	told       []K
	missed     []K
	takenDirty bool
}

// arrival is what is known of one stream at both devices.
type arrival[K comparable] struct {
	key   K
	index int // in streams
	place int // in due
	taken int // in Arriving.taken, counted from 1; 0 while this device does not stand in

	flows  bool
	last   instant.Time // when a packet came here, as of the latest sight
	silent instant.Time // when it fell silent here

	peer       peerState
	peerSince  instant.Time // when that was told
	standsIn   bool         // the peer does
	generation uint32

	// While the stream is suspected to flow here only:
	peerLast instant.Time // when the peer had its last packet, at the latest; Never if that is not known
	lookAt   instant.Time // when to look at it next
	asked    bool         // a look has been asked for
	from     instant.Time // since when packets are counted
	packets  uint64       // how many had come then
	counted  bool         // packets is known
}

// peerState is what the peer tells of a stream.
type peerState uint8

const (
	peerUntold peerState = iota
	peerFlows
	peerSilent
)

// Flows says that a stream flows here.
func (a *Arriving[K]) Flows(now instant.Time, key K, s Sight) {
	f := a.of(key)
	began := !f.flows
	a.change(f, func() { f.flows, f.last = true, s.Last })
	if began {
		a.told = append(a.told, key)
		a.suspect(now, f)
		f.packets, f.counted = s.Packets, true
	}
	a.judge(now, f)
}

// Silent says that a stream that flowed has fallen silent here.
func (a *Arriving[K]) Silent(now instant.Time, key K, last instant.Time) {
	f := a.byKey[key]
	if f == nil || !f.flows {
		return
	}
	a.change(f, func() { f.flows, f.last, f.silent = false, last, now })
	if f.standsIn {
		a.missed = append(a.missed, key)
	}
	a.told = append(a.told, key)
	a.judge(now, f)
}

// Forget says that a stream is not watched any more.
func (a *Arriving[K]) Forget(now instant.Time, key K) {
	f := a.byKey[key]
	if f == nil {
		return
	}
	if f.flows || f.taken > 0 {
		a.told = append(a.told, key)
	}
	a.change(f, func() { f.flows, f.last, f.silent = false, instant.Never, now })
	a.release(now, f)
	a.judge(now, f)
}

// Seen answers a look that was asked for (see [Arriving.Looks]).
func (a *Arriving[K]) Seen(now instant.Time, key K, s Sight) {
	f := a.byKey[key]
	if f == nil || !f.asked {
		return
	}
	f.asked, f.last = false, s.Last
	if a.suspected(f) && f.lacks(now, s) {
		a.take(f)
	}
	a.judge(now, f)
}

// PeerBegins says that what the peer has told no longer counts. What was decided stays
// until the peer has told all anew.
func (a *Arriving[K]) PeerBegins(instant.Time) {
	a.complete, a.full = instant.Never, false
	a.generation++
}

// PeerTells takes what the peer tells of a stream. It reports whether there was room for it.
func (a *Arriving[K]) PeerTells(now instant.Time, key K, t Told) bool {
	f := a.byKey[key]
	if f == nil {
		if !t.Flows && !t.StandsIn {
			return true
		}
		if len(a.streams) >= mostStreams {
			a.complete, a.full = instant.Never, true
			return false
		}
		f = a.of(key)
	}
	f.generation = a.generation
	if t.StandsIn && !f.standsIn {
		a.missed = append(a.missed, key)
	}
	state := peerSilent
	switch {
	case t.Flows:
		state = peerFlows
	case t.Withdrawn:
		state = peerUntold
	}
	if state != f.peer {
		f.peerSince = now
	}
	a.change(f, func() { f.peer, f.standsIn = state, t.StandsIn })
	if state != peerFlows {
		a.suspect(now, f)
	}
	if state == peerSilent && f.flows && t.Age < rememberFor {
		f.peerLast, f.lookAt = now.Add(-t.Age), now
	}
	a.judge(now, f)
	return true
}

// PeerComplete says that the peer has told of every stream that flows there.
func (a *Arriving[K]) PeerComplete(now instant.Time) {
	if a.full {
		return
	}
	a.complete = now
	a.each(func(f *arrival[K]) {
		if f.generation != a.generation {
			f.peerSince = now
			a.change(f, func() { f.peer, f.standsIn = peerUntold, false })
		}
		if f.peer != peerFlows {
			a.suspect(now, f)
			f.counted = false
		}
		a.judge(now, f)
	})
	a.judgeMost()
}

// PeerCannotTell says that the peer is of a release that tells nothing of streams. This device
// stands in for none.
func (a *Arriving[K]) PeerCannotTell(now instant.Time) {
	a.PeerBegins(now)
	a.each(func(f *arrival[K]) {
		a.change(f, func() { f.peer, f.standsIn = peerUntold, false })
		a.release(now, f)
		a.judge(now, f)
	})
}
