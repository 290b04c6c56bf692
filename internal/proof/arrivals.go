package proof

import "tandem/internal/instant"

// Counts holds numbers of streams.
type Counts struct {
	Flowing  int // streams that flow here
	Any      int // streams that flow here or at the peer, or that one of the two lacks
	Lacking  int // streams that do not flow here, so that the peer sends them in this device's stead
	StandsIn int // streams that this device sends in the peer's stead, because they do not flow at the peer
}

// Counts returns the numbers of streams.
func (a *Arriving[K]) Counts() Counts { return a.counts }

// LacksMost reports whether most streams do not arrive here although they arrive at the
// peer.
func (a *Arriving[K]) LacksMost() bool { return bool(a.mostHere) }

// PeerLacksMost reports whether most streams do not arrive at the peer although they
// arrive here.
func (a *Arriving[K]) PeerLacksMost() bool { return bool(a.mostThere) }

// most is true when most streams are affected. It begins with more than half of all streams
// and ends below a third, so that one stream does not make it change again and again.
type most bool

// judge updates the value from the present numbers: n of all streams are affected. While
// the numbers are not complete, the value cannot become true.
func (m *most) judge(n, all int, complete bool) {
	if *m {
		*m = most(3*n > all)
	} else {
		*m = most(complete && 2*n > all)
	}
}

// of returns the state of a stream. It makes a new state if there is none.
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

// drop removes the state of a stream.
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

// each calls do for the state of every stream. do may drop the state that it is called
// with.
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
	f.arrives = instant.Never
	a.takenDirty = true
	a.told = append(a.told, f.key)
}

// release ends standing in for a stream.
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
	if f.peer != peerSilent {
		a.suspect(now, f)
	}
}

// change runs do, which changes the state of a stream, and keeps the counts right.
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
	if f.lacking() {
		c.Lacking += n
	}
	if f.taken > 0 {
		c.StandsIn += n
	}
}
