package instant

import "iter"

// Queue holds things until the instants at which they are due. It is a binary heap:
// things that are due at the same instant come out in any order. The zero Queue is empty.
type Queue[T any] struct {
	// Moved, if it is set, is called with the place of a thing in the queue whenever the
	// place changes, and with Out when the thing leaves the queue. A caller that uses
	// Move or Remove needs it to know the place.
	Moved func(thing T, place int)

	entries []entry[T]
}

type entry[T any] struct {
	at    Time
	thing T
}

// Out is the place of a thing that is not in the queue.
const Out = -1

// keptEntries is the capacity that an empty queue keeps. It frees the rest, which a flood
// may have taken.
const keptEntries = 4096

// Deadline returns when the first thing is due, Never if the queue is empty.
func (q *Queue[T]) Deadline() Time {
	if len(q.entries) == 0 {
		return Never
	}
	return q.entries[0].at
}

// Due returns the first thing if it is due, and leaves it in the queue.
func (q *Queue[T]) Due(now Time) (thing T, ok bool) {
	if len(q.entries) == 0 || q.entries[0].at > now {
		return thing, false
	}
	return q.entries[0].thing, true
}

// All yields the things with their instants, in any order. The queue must not be changed
// in the loop.
func (q *Queue[T]) All() iter.Seq2[Time, T] {
	return func(yield func(Time, T) bool) {
		for _, e := range q.entries {
			if !yield(e.at, e.thing) {
				return
			}
		}
	}
}

// Push adds a thing that is due at an instant.
func (q *Queue[T]) Push(at Time, thing T) {
	q.entries = append(q.entries, entry[T]{at, thing})
	q.up(len(q.entries) - 1)
}

// Pop removes the first thing if it is due, and returns it with the instant at which it
// was due.
func (q *Queue[T]) Pop(now Time) (thing T, since Time, ok bool) {
	if thing, ok = q.Due(now); ok {
		since = q.entries[0].at
		q.Remove(0)
	}
	return thing, since, ok
}

// Move makes the thing at a place due at another instant.
func (q *Queue[T]) Move(place int, at Time) {
	q.entries[place].at = at
	q.down(q.up(place))
}

// Remove removes the thing at a place.
func (q *Queue[T]) Remove(place int) {
	out, last := q.entries[place], len(q.entries)-1
	moved := q.entries[last]
	q.entries[last] = entry[T]{}
	q.entries = q.entries[:last]
	if place < last {
		q.entries[place] = moved
		q.down(q.up(place))
	} else if last == 0 && cap(q.entries) > keptEntries {
		q.entries = nil
	}
	if q.Moved != nil {
		q.Moved(out.thing, Out)
	}
}

// up moves an entry towards the front, before all entries that are due later, and returns
// its new place.
func (q *Queue[T]) up(i int) int {
	e := q.entries[i]
	for i > 0 {
		parent := (i - 1) / 2
		if q.entries[parent].at <= e.at {
			break
		}
		q.put(i, q.entries[parent])
		i = parent
	}
	q.put(i, e)
	return i
}

// down moves an entry towards the back, after all entries that are due earlier.
func (q *Queue[T]) down(i int) {
	e, start := q.entries[i], i
	for {
		first, at := i, e.at
		for c := 2*i + 1; c <= 2*i+2 && c < len(q.entries); c++ {
			if q.entries[c].at < at {
				first, at = c, q.entries[c].at
			}
		}
		if first == i {
			break
		}
		q.put(i, q.entries[first])
		i = first
	}
	if i != start {
		q.put(i, e)
	}
}

func (q *Queue[T]) put(i int, e entry[T]) {
	q.entries[i] = e
	if q.Moved != nil {
		q.Moved(e.thing, i)
	}
}
