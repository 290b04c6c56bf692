package instant

import "iter"

// Queue holds things until the instants at which they are due. It is a binary heap: of
// things that are due at one instant, any comes first. The zero Queue is empty.
type Queue[T any] struct {
	// Moved, where it is set, is told the place of a thing in the queue whenever that
	// changes, and Out when the thing leaves. Move and Remove want to know the place.
	Moved func(thing T, place int)

	entries []entry[T]
}

type entry[T any] struct {
	at    Time
	thing T
}

// Out is the place of a thing that is not in the queue.
const Out = -1

// keptEntries is how much room an empty queue keeps. What a flood has taken beyond that
// is given back.
const keptEntries = 4096

// Deadline returns when the first thing is due, Never when the queue is empty.
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

// All yields the things and when they are due, in any order. The queue must not be changed
// meanwhile.
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

// Pop takes the first thing out if it is due, and tells since when.
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

// Remove takes the thing at a place out.
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

// up moves an entry towards the first place, past all that are due later, and returns
// where it comes to stand.
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

// down moves an entry away from the first place, behind all that are due earlier.
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
