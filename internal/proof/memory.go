package proof

import (
	"time"

	"tandem/internal/instant"
)

// ArrivingMemory is the state of an [Arriving]. A new Arriving that resumes from it goes
// on in place of the old one.
type ArrivingMemory[K comparable] struct {
	Streams             []ArrivalMemory[K]
	Stands              []K
	Complete            instant.Time
	Generation          uint32
	Full                bool
	MostHere, MostThere bool
}

// ArrivalMemory is the state of one stream.
type ArrivalMemory[K comparable] struct {
	Key                                                                K
	Flows, StandsIn, Asked, Counted, Came, Answered, Owes              bool
	Last, Silent, PeerSince, Arrives, PeerLast, LookAt, From, JudgedAt instant.Time
	Question, LackingFrom, TakenFrom                                   instant.Time
	Peer                                                               uint8
	Generation                                                         uint32
	Packets                                                            uint64
	Silence                                                            time.Duration
}

// Memory returns the state for a successor.
func (a *Arriving[K]) Memory() ArrivingMemory[K] {
	m := ArrivingMemory[K]{
		Stands: append([]K(nil), a.taken...), Complete: a.complete, Generation: a.generation, Full: a.full,
		MostHere: bool(a.mostHere), MostThere: bool(a.mostThere),
	}
	at := make(map[*arrival[K]]instant.Time)
	for due, f := range a.due.All() {
		at[f] = due
	}
	for _, f := range a.streams {
		m.Streams = append(m.Streams, ArrivalMemory[K]{
			Key: f.key, Flows: f.flows, StandsIn: f.standsIn, Asked: f.asked, Counted: f.counted, Came: f.came,
			Last: f.last, Silent: f.silent, PeerSince: f.peerSince, Arrives: f.arrives, PeerLast: f.peerLast, LookAt: f.lookAt, From: f.from, JudgedAt: at[f],
			Silence: f.silence, Question: f.question, Answered: f.answered, Owes: f.owes, LackingFrom: f.lackingFrom, TakenFrom: f.takenFrom,
			Peer: uint8(f.peer), Generation: f.generation, Packets: f.packets,
		})
	}
	return m
}

// Resume gives a new Arriving the state of an old one.
func (a *Arriving[K]) Resume(m ArrivingMemory[K]) {
	for i := range m.Streams {
		s := &m.Streams[i]
		f := a.of(s.Key)
		f.flows, f.standsIn, f.asked, f.counted, f.came = s.Flows, s.StandsIn, s.Asked, s.Counted, s.Came
		f.last, f.silent, f.peerSince, f.arrives = s.Last, s.Silent, s.PeerSince, s.Arrives
		f.silence, f.question, f.answered, f.owes = s.Silence, s.Question, s.Answered, s.Owes
		f.peerLast, f.lookAt, f.from = s.PeerLast, s.LookAt, s.From
		f.peer, f.generation, f.packets = peerState(s.Peer), s.Generation, s.Packets
		f.lackingFrom, f.takenFrom = s.LackingFrom, s.TakenFrom
		if s.JudgedAt.IsSet() {
			a.due.Push(s.JudgedAt, f)
		}
	}
	for _, key := range m.Stands {
		a.taken = append(a.taken, key)
		a.byKey[key].taken = len(a.taken)
	}
	for _, f := range a.streams {
		a.count(f, 1)
	}
	a.complete, a.generation, a.full = m.Complete, m.Generation, m.Full
	a.mostHere, a.mostThere = most(m.MostHere), most(m.MostThere)
}

// Lose says that it is unknown whether a stream flows here, until Flows or Silent is
// called for it. Until then this device goes on standing in for the stream.
func (a *Arriving[K]) Lose(now instant.Time, key K) {
	if f := a.byKey[key]; f != nil {
		a.change(f, func() { f.flows, f.silent = false, now })
		a.judge(now, f)
	}
}
