package proof

import "tandem/internal/instant"

// Counts are numbers of streams.
type Counts struct {
	Flowing  int // that flow here
	Any      int // that flow here or at the peer, or are missing at one
	Lacking  int // that do not flow here; the peer sends them
	StandsIn int // that this device sends, since they do not flow at the peer
}

// Counts returns the numbers of streams.
func (a *Arriving[K]) Counts() Counts { return a.counts }

// LacksMost reports whether most streams do not arrive here, though they do at the peer.
func (a *Arriving[K]) LacksMost() bool { return bool(a.mostHere) }

// PeerLacksMost reports whether most streams do not arrive at the peer, though they do here.
func (a *Arriving[K]) PeerLacksMost() bool { return bool(a.mostThere) }

// most is true when most streams are affected. It begins with more than half of all streams
// and ends below a third, so that one stream does not make it change again and again.
type most bool

// judge sets the value for the present numbers. While the numbers are not complete, it
// cannot become true.
func (m *most) judge(n, all int, complete bool) {
	if *m {
		*m = most(3*n > all)
	} else {
		*m = most(complete && 2*n > all)
	}
}

// of returns the state of a stream, which is made if there is none.
func (a *Arriving[K]) of(key K) *arrival[K] {
	if f := a.byKey[key]; f != nil {
		return f
	}
	if a.byKey == nil {
		a.byKey = make(map[K]*arrival[K])
		a.due.Moved = func(f *arrival[K], place int) { f.place = place }
	}
	f := &arrival[K]{key: key, index: len(a.streams), place: instant.Out, generation: a.generation}
	a.streams, a.byKey[key] = append(a.streams, f), f
	return f
}

// drop forgets a stream.
func (a *Arriving[K]) drop(f *arrival[K]) {
	if f.place != instant.Out {
		a.due.Remove(f.place)
	}
	end := len(a.streams) - 1
	last := a.streams[end]
	a.streams[f.index], last.index = last, f.index
	a.streams[end], a.streams = nil, a.streams[:end]
	delete(a.byKey, f.key)
}

// each calls do for all streams. It may drop the one that it is called for.
func (a *Arriving[K]) each(do func(*arrival[K])) {
	for i := len(a.streams) - 1; i >= 0; i-- {
		do(a.streams[i])
	}
}

// take makes this device stand in for a stream.
func (a *Arriving[K]) take(f *arrival[K]) {
	a.change(f, func() {
		a.taken = append(a.taken, f.key)
		f.taken = len(a.taken)
	})
	a.takenDirty = true
	a.told = append(a.told, f.key)
}

// release ends what take has begun.
func (a *Arriving[K]) release(now instant.Time, f *arrival[K]) {
	if f.taken == 0 {
		return
	}
	a.change(f, func() {
		end := len(a.taken) - 1
		last := a.byKey[a.taken[end]]
		a.taken[f.taken-1], last.taken = last.key, f.taken
		a.taken, f.taken = a.taken[:end], 0
	})
	a.takenDirty = true
	a.told = append(a.told, f.key)
	a.suspect(now, f)
}

// change changes a stream with do, and adjusts the counts.
func (a *Arriving[K]) change(f *arrival[K], do func()) {
	a.count(f, -1)
	do()
	a.count(f, 1)
	a.judgeMost()
}

func (a *Arriving[K]) judgeMost() {
	a.mostHere.judge(a.counts.Lacking, a.counts.Any, a.complete.IsSet())
	a.mostThere.judge(a.counts.StandsIn, a.counts.Any, a.complete.IsSet())
}

func (a *Arriving[K]) count(f *arrival[K], n int) {
	c := &a.counts
	if f.flows {
		c.Flowing += n
	}
	if f.flows || f.peer == peerFlows || f.standsIn || f.taken > 0 {
		c.Any += n
	}
	if f.standsIn && !f.flows {
		c.Lacking += n
	}
	if f.taken > 0 {
		c.StandsIn += n
	}
}
