package proof

import (
	"iter"

	"tandem/internal/instant"
)

// Finding says at which of the two devices a stream arrives, and which device sends it in
// the other's stead.
type Finding struct {
	Here bool // the stream arrives at this device
	Peer bool // the stream arrives at the peer, as the peer has reported
	// LackingFrom is since when the stream does not arrive here while the peer sends it
	// in this device's stead, Never if that is not so.
	LackingFrom instant.Time
	// StandsInFrom is since when this device sends the stream in the peer's stead, Never
	// if it does not.
	StandsInFrom instant.Time
}

// Compared reports whether the peer has reported every stream that arrives there.
func (a *Arriving[K]) Compared() bool { return a.complete.IsSet() }

// Find returns the finding for a stream. It is the zero Finding if the stream arrives at
// neither device.
func (a *Arriving[K]) Find(key K) Finding {
	if f := a.byKey[key]; f != nil {
		return f.finding()
	}
	return Finding{}
}

// Faulty yields the streams that do not arrive at one of the two devices and are sent by
// the other, in any order.
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

// lacking reports whether the stream does not arrive here while the peer sends it.
func (f *arrival[K]) lacking() bool { return f.standsIn && !f.flows }

func (f *arrival[K]) finding() Finding {
	return Finding{Here: f.flows, Peer: f.peer == peerFlows, LackingFrom: f.lackingFrom, StandsInFrom: f.takenFrom}
}

// mark keeps in since the time from which a condition has held, Never while it does not
// hold.
func mark(since *instant.Time, now instant.Time, is bool) {
	switch {
	case !is:
		*since = instant.Never
	case !since.IsSet():
		*since = now
	}
}
