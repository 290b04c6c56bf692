package instant

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// thing stores its place in a queue.
type thing struct {
	place int
	at    Time
}

// TestQueue compares the queue with a search through all things.
func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := Queue[*thing]{Moved: func(s *thing, place int) { s.place = place }}
		all := make([]*thing, 20)
		for i := range all {
			all[i] = &thing{place: Out}
		}
		draw := func(what string) Time { return FromOrigin(time.Duration(rapid.IntRange(0, 50).Draw(t, what))) }
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			s := rapid.SampledFrom(all).Draw(t, "thing")
			in := s.place != Out
			switch act := rapid.IntRange(0, 2).Draw(t, "act"); {
			case act == 0 && in:
				q.Remove(s.place)
			case act == 1 && in:
				s.at = draw("moved to")
				q.Move(s.place, s.at)
			case act == 2:
				now := draw("now")
				if first, since, ok := q.Pop(now); ok && (first.at != since || since > now || first.place != Out) {
					t.Fatalf("%v came out at %v, place %d", first.at, now, first.place)
				}
			case !in:
				s.at = draw("due")
				q.Push(s.at, s)
			}
			agree(t, &q, slices.DeleteFunc(slices.Clone(all), func(s *thing) bool { return s.place == Out }))
		}
	})
}

// agree fails unless exactly these things are in the queue, at their stored places, and
// the one that is due first is at the front.
func agree(t *rapid.T, q *Queue[*thing], in []*thing) {
	if len(in) != len(q.entries) {
		t.Fatalf("%d things think that they are in a queue of %d", len(in), len(q.entries))
	}
	for i, e := range q.entries {
		if e.thing.place != i || e.thing.at != e.at {
			t.Fatalf("thing at %d, due at %v, believes in %d and %v", i, e.at, e.thing.place, e.thing.at)
		}
	}
	if len(in) == 0 {
		if q.Deadline().IsSet() {
			t.Fatalf("an empty queue has a deadline at %v", q.Deadline())
		}
		return
	}
	first := slices.MinFunc(in, func(a, b *thing) int { return cmp.Compare(a.at, b.at) })
	if q.Deadline() != first.at {
		t.Fatalf("first is due at %v, want %v", q.Deadline(), first.at)
	}
}

// TestQueueGivesRoomBack: memory that a flood has taken is freed afterwards.
func TestQueueGivesRoomBack(t *testing.T) {
	var q Queue[int]
	for i := range 10 * keptEntries {
		q.Push(FromOrigin(time.Duration(i)), i)
	}
	for i := range 10 * keptEntries {
		if got, _, ok := q.Pop(FromOrigin(time.Hour)); !ok || got != i {
			t.Fatalf("%d, %v came out, want %d", got, ok, i)
		}
	}
	if cap(q.entries) > keptEntries {
		t.Errorf("room for %d is kept", cap(q.entries))
	}
}
