package proof

import (
	"time"

	"tandem/internal/instant"
)

// mostStreams limits how many streams are known from the peer only.
const mostStreams = 1 << 17

// Sight is what this device has measured of a stream.
type Sight struct {
	Packets  uint64        // number of all packets that have arrived
	Last     instant.Time  // when the last of them arrived
	Pause    time.Duration // the longest pause between two packets that has ended lately
	PauseEnd instant.Time  // when that pause ended
}

// Told is what a device tells its peer of a stream.
type Told struct {
	Flows     bool          // it arrives at the sender of this message
	StandsIn  bool          // the sender of this message stands in for the other device
	Withdrawn bool          // the sender no longer watches it
	Age       time.Duration // time since the last packet at the sender, when the message was sent
}

// Arriving decides which streams arrive at only one of the two devices, and which device
// sends them. The devices tell each other which streams flow, as their Watch has measured.
// If a stream flows here and not at the peer, this device stands in: it sends the stream in
// the peer's stead, until the stream has flowed at the peer again for one second. If a
// stream flows at neither device, its source is silent, and no device has a fault.
//
// A device learns that it lacks a stream when the peer says that it stands in. So only the
// device that receives the stream decides. It can compare the times of its own packets with
// the age of the peer's last packet.
//
// K identifies a stream. The zero Arriving knows no streams, and no report of the peer.
type Arriving[K comparable] struct {
	streams []*arrival[K]
	byKey   map[K]*arrival[K]
	due     instant.Queue[*arrival[K]]
	taken   []K // the streams for which this device stands in

	complete   instant.Time // when the list of the streams that flow at the peer became complete, Never while it is not complete
	generation uint32       // of what the peer has told
	full       bool         // the peer has told of more streams than are kept

	counts     Counts
	mostHere   most // most streams are lacking here
	mostThere  most
	looks      []K
	told       []K
	missed     []K
	takenDirty bool
}

// arrival is the state of one stream at both devices.
type arrival[K comparable] struct {
	key   K
	index int // in Arriving.streams
	place int // in Arriving.due
	taken int // in Arriving.taken, counted from 1; 0 while this device does not stand in

	flows  bool
	last   instant.Time // when the latest known packet arrived here
	silent instant.Time // when it became silent here

	peer       peerState
	peerSince  instant.Time // when the peer told this
	standsIn   bool         // the peer stands in for this device
	generation uint32

	// These fields count while the stream is suspected to flow here only.
	peerLast instant.Time // the latest possible time of the peer's last packet; Never if unknown
	lookAt   instant.Time // when to ask for the next look
	asked    bool         // a look has been asked for
	from     instant.Time // when the count of packets began
	packets  uint64       // the number of packets at that time
	counted  bool         // packets is set
	came     bool         // packets have come since, and from is when that was noticed
}

// peerState is what the peer says of a stream.
type peerState uint8

const (
	peerUntold peerState = iota
	peerFlows
	peerSilent
)

// Flows notes that a stream flows here.
func (a *Arriving[K]) Flows(now instant.Time, key K, s Sight) {
	f := a.of(key)
	began := !f.flows
	a.change(f, func() { f.flows, f.last = true, s.Last })
	if began {
		a.told = append(a.told, key)
		a.suspect(now, f)
		f.packets, f.counted, f.came = s.Packets, true, true
	}
	a.judge(now, f)
}

// Silent notes that a stream that flowed here has become silent.
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

// Forget notes that this device no longer watches a stream.
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

// Seen gives the result of a look that Looks has asked for.
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

// PeerBegins invalidates what the peer has told so far. The decisions stay until
// PeerComplete.
func (a *Arriving[K]) PeerBegins(instant.Time) {
	a.complete, a.full = instant.Never, false
	a.generation++
}

// PeerTells handles what the peer tells of a stream. It returns false if there is no room
// for the stream.
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

// PeerComplete notes that the peer has now told of every stream that flows there.
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
			f.counted, f.lookAt = false, now // a look begins the count
		}
		a.judge(now, f)
	})
	a.judgeMost()
}

// PeerCannotTell notes that the peer has an older release, which tells nothing of streams.
// This device then stands in for none.
func (a *Arriving[K]) PeerCannotTell(now instant.Time) {
	a.PeerBegins(now)
	a.each(func(f *arrival[K]) {
		a.change(f, func() { f.peer, f.standsIn = peerUntold, false })
		a.release(now, f)
		a.judge(now, f)
	})
}
