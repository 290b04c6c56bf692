package proof

import (
	"time"

	"tandem/internal/instant"
)

// mostStreams bounds how many streams are kept that only the peer has reported.
const mostStreams = 1 << 17

// Sight is what this device has measured of a stream.
type Sight struct {
	Packets  uint64        // number of all packets that have arrived here
	Last     instant.Time  // when the last of them arrived
	Pause    time.Duration // the longest pause between two packets that has ended lately
	PauseEnd instant.Time  // when that pause ended
}

// Told is what the report of one device to the other says about a stream.
type Told struct {
	Flows     bool          // the stream arrives at the sender of the report
	StandsIn  bool          // the sender of the report stands in for the other device
	Withdrawn bool          // the sender of the report no longer observes the stream
	Asks      bool          // the sender asks for the present state at the other device
	Answers   bool          // this was sent after such a question had come
	Age       time.Duration // time since the last packet at the sender, when the report was sent
}

// Arriving decides which streams arrive at only one of the two devices, and which device
// sends them. The devices report to each other which streams flow, as measured by their
// Watch. If a stream flows here and not at the peer, this device stands in: it sends the
// stream in the peer's stead, until the stream has flowed at the peer again for one
// second. If a stream flows at neither device, its source is silent, and no device has a
// fault.
//
// A device learns that it lacks a stream when the peer says that it stands in. So only
// the device that receives the stream decides. It can compare the times of its own
// packets with the age of the peer's last packet.
//
// K identifies a stream. The zero Arriving knows no streams, and no report of the peer.
type Arriving[K comparable] struct {
	streams []*arrival[K]
	byKey   map[K]*arrival[K]
	due     instant.Queue[*arrival[K]]
	taken   []K // the streams for which this device stands in

	complete   instant.Time // when the list of the streams that flow at the peer became complete, Never while it is not complete
	generation uint32       // number of the peer's present list; reports of an older list no longer count
	full       bool         // the peer has reported more streams than are kept

	counts     Counts
	mostHere   most // most streams do not arrive here although they arrive at the peer
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
	silent instant.Time // when the stream became silent here

	peer       peerState
	peerSince  instant.Time // when the peer's last report of the stream came
	standsIn   bool         // the peer stands in for this device
	generation uint32
	// arrives is since when no evidence contradicts that the stream arrives at the peer,
	// while this device stands in for it. A pause of the source does not count as
	// evidence.
	arrives instant.Time

	owes        bool         // the peer has asked, and has no answer yet
	lackingFrom instant.Time // since when the stream does not arrive here while the peer sends it, Never while that is not so
	takenFrom   instant.Time // since when this device sends the stream in the peer's stead, Never while it does not

	// These fields are in use while the stream is suspected to flow here only.
	peerLast instant.Time  // when the peer's last packet came, Never if unknown
	silence  time.Duration // for how long it had been silent when the peer reported it
	question instant.Time  // when this device asked the peer, Never if it has not
	answered bool          // the peer has answered
	lookAt   instant.Time  // when to request the next look
	asked    bool          // a look has been requested
	from     instant.Time  // when the count of packets began
	packets  uint64        // the number of packets at that time
	counted  bool          // packets is set
	came     bool          // packets have come since then, and from is when a look first found them
}

// peerState says what the peer has reported about a stream.
type peerState uint8

const (
	peerUntold peerState = iota
	peerFlows
	peerSilent
)

// Flows records that a stream flows here.
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

// Silent records that a stream that flowed here has become silent.
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

// Forget records that this device no longer observes a stream.
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

// Seen handles the result of a look that Looks has requested.
func (a *Arriving[K]) Seen(now instant.Time, key K, s Sight) {
	f := a.byKey[key]
	if f == nil || !f.asked {
		return
	}
	f.asked, f.last = false, s.Last
	switch lacks := a.suspected(f) && a.lacks(now, f, s); {
	case lacks && f.taken == 0:
		a.take(f)
	case lacks:
		f.arrives = instant.Never
	}
	a.judge(now, f)
}

// PeerBegins invalidates the reports of the peer so far. The decisions stay until
// PeerComplete.
func (a *Arriving[K]) PeerBegins(instant.Time) {
	a.complete, a.full = instant.Never, false
	a.generation++
}

// PeerTells handles the peer's report about a stream. It returns false if there is no
// room for the stream.
func (a *Arriving[K]) PeerTells(now instant.Time, key K, t Told) bool {
	f := a.byKey[key]
	if f == nil {
		if !t.Flows && !t.StandsIn && !t.Asks {
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
	switch {
	case state == peerUntold:
		f.arrives = instant.Never
	case state == peerFlows && !f.arrives.IsSet():
		f.arrives = now
	}
	before := f.peer
	a.change(f, func() { f.peer, f.standsIn = state, t.StandsIn })
	if before != state && (before == peerFlows || state == peerUntold) {
		a.suspect(now, f)
	}
	if state != peerFlows && f.flows {
		f.hear(now, t)
	}
	if t.Asks {
		f.owes = true
		a.told = append(a.told, key)
	}
	a.judge(now, f)
	return true
}

// PeerComplete records that the peer has now reported every stream that flows there.
func (a *Arriving[K]) PeerComplete(now instant.Time) {
	if a.full {
		return
	}
	a.complete = now
	a.each(func(f *arrival[K]) {
		if f.generation != a.generation {
			f.peerSince, f.arrives = now, instant.Never
			a.change(f, func() { f.peer, f.standsIn = peerUntold, false })
		}
		if f.peer != peerFlows {
			a.suspect(now, f)
			f.counted, f.lookAt = false, now // count the packets again, from the next look on
		}
		a.judge(now, f)
	})
	a.judgeMost()
}

// PeerCannotTell records that the peer has an older release, which does not report
// streams. Then this device stands in for no stream.
func (a *Arriving[K]) PeerCannotTell(now instant.Time) {
	a.PeerBegins(now)
	a.each(func(f *arrival[K]) {
		a.change(f, func() { f.peer, f.standsIn = peerUntold, false })
		a.release(now, f)
		a.judge(now, f)
	})
}
