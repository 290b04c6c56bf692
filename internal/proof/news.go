package proof

import "tandem/internal/instant"

// Stands returns the streams for which this device stands in, in any order. The list is
// valid until the next call.
func (a *Arriving[K]) Stands() []K { return a.taken }

// StandsChanged reports whether Stands has changed since the last call of StandsChanged.
func (a *Arriving[K]) StandsChanged() (changed bool) {
	changed, a.takenDirty = a.takenDirty, false
	return changed
}

// Looks returns the streams that the caller must look at now. The caller answers with
// [Arriving.Seen] for each.
func (a *Arriving[K]) Looks() (keys []K) { return handOut(&a.looks) }

// News returns the streams whose state must be reported to the peer.
func (a *Arriving[K]) News() (keys []K) { return handOut(&a.told) }

// Missed returns the streams of which packets have come to the peer and not here (see
// [Flow.Missed]).
func (a *Arriving[K]) Missed() (keys []K) { return handOut(&a.missed) }

// handOut returns a list and replaces it by an empty one.
func handOut[K any](list *[]K) (keys []K) {
	keys, *list = *list, nil
	return keys
}

// Tell returns the report to the peer about a stream. watched says whether this device
// observes the stream.
func (a *Arriving[K]) Tell(now instant.Time, key K, watched bool) Told {
	f := a.byKey[key]
	if f == nil {
		return Told{Withdrawn: !watched, Age: 1<<63 - 1}
	}
	t := Told{Flows: f.flows, StandsIn: f.taken > 0, Withdrawn: !watched && !f.flows, Age: 1<<63 - 1}
	t.Asks, t.Answers = f.question.IsSet() && a.suspected(f), f.owes
	f.owes = false
	if f.last.IsSet() {
		t.Age = now.Sub(f.last)
	}
	return t
}

// Arrivals yields the streams that flow here, and those for which this device stands in.
func (a *Arriving[K]) Arrivals(yield func(K) bool) {
	for _, f := range a.streams {
		if (f.flows || f.taken > 0) && !yield(f.key) {
			return
		}
	}
}
