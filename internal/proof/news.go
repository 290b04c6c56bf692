package proof

import "tandem/internal/instant"

// Stands are the streams for which this device stands in, in no order. They are valid until the
// next call.
func (a *Arriving[K]) Stands() []K { return a.taken }

// StandsChanged reports whether Stands has changed since it was last asked.
func (a *Arriving[K]) StandsChanged() (changed bool) {
	changed, a.takenDirty = a.takenDirty, false
	return changed
}

// Looks returns the streams to look at now, each to be answered with [Arriving.Seen].
func (a *Arriving[K]) Looks() (keys []K) { return handOut(&a.looks) }

// News returns the streams of which there is something new to tell the peer.
func (a *Arriving[K]) News() (keys []K) { return handOut(&a.told) }

// Missed returns the streams of which the peer had packets that did not come here (see [Flow.Missed]).
func (a *Arriving[K]) Missed() (keys []K) { return handOut(&a.missed) }

// handOut empties a list and returns it.
func handOut[K any](list *[]K) (keys []K) {
	keys, *list = *list, nil
	return keys
}

// Tell returns what to tell the peer of a stream, which this device watches or not.
func (a *Arriving[K]) Tell(now instant.Time, key K, watched bool) Told {
	f := a.byKey[key]
	if f == nil {
		return Told{Withdrawn: !watched, Age: 1<<63 - 1}
	}
	t := Told{Flows: f.flows, StandsIn: f.taken > 0, Withdrawn: !watched && !f.flows, Age: 1<<63 - 1}
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
