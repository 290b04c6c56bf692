package proof

import (
	"iter"

	"tandem/internal/instant"
)

// Finding is where a stream arrives, and which device sends it in the other's stead.
type Finding struct {
	Here bool // it flows at this device
	Peer bool // it flows at the peer, as the peer has told
	// LackingFrom is since when it does not arrive here while the peer sends it in this
	// device's stead, Never if that is not so.
	LackingFrom instant.Time
	// StandsInFrom is since when this device sends it in the peer's stead, Never if it does
	// not.
	StandsInFrom instant.Time
}

// Compared reports whether the peer has told of every stream that flows there.
func (a *Arriving[K]) Compared() bool { return a.complete.IsSet() }

// Find returns what is known of a stream. The zero Finding is a stream that flows at neither
// device.
func (a *Arriving[K]) Find(key K) Finding {
	if f := a.byKey[key]; f != nil {
		return f.finding()
	}
	return Finding{}
}

// Faulty yields the streams that are lacking at one of the two devices, in any order.
func (a *Arriving[K]) Faulty() iter.Seq2[K, Finding] {
	return func(yield func(K, Finding) bool) {
		if a.counts.Lacking+a.counts.StandsIn == 0 {
			return
		}
		for _, f := range a.streams {
			if (f.lacking() || f.taken > 0) && !yield(f.key, f.finding()) {
				return
			}
		}
	}
}

// lacking reports whether a stream does not arrive here, and the peer sends it.
func (f *arrival[K]) lacking() bool { return f.standsIn && !f.flows }

func (f *arrival[K]) finding() Finding {
	return Finding{Here: f.flows, Peer: f.peer == peerFlows, LackingFrom: f.lackingFrom, StandsInFrom: f.takenFrom}
}

// mark notes since when something is so, and Never when it is not.
func mark(since *instant.Time, now instant.Time, is bool) {
	switch {
	case !is:
		*since = instant.Never
	case !since.IsSet():
		*since = now
	}
}
