package bfd

import "tandem/internal/instant"

// dueHeap is a binary heap of sessions by their deadline. A session knows its
// place, so that every packet can move its session without a search.
type dueHeap []*Session

// set puts s into the heap, or moves it, to be due at that time.
func (h *dueHeap) set(s *Session, at instant.Time) {
	if s.heapPos < 0 {
		s.heapPos = len(*h)
		*h = append(*h, s)
	}
	s.due = at
	h.fix(s.heapPos)
}

// remove takes s out; a session that is not in the heap is left alone.
func (h *dueHeap) remove(s *Session) {
	i, last := s.heapPos, len(*h)-1
	if i < 0 {
		return
	}
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	s.heapPos = -1
	if i < last {
		h.fix(i)
	}
}

func (h *dueHeap) fix(i int) {
	for i > 0 && h.less(i, (i-1)/2) {
		h.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(*h); child++ {
			if h.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}

func (h *dueHeap) less(i, j int) bool { return (*h)[i].due < (*h)[j].due }

func (h *dueHeap) swap(i, j int) {
	a := *h
	a[i], a[j] = a[j], a[i]
	a[i].heapPos, a[j].heapPos = i, j
}
