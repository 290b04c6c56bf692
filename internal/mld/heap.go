package mld

import "tandem/internal/instant"

// alarm asks for id to be looked at at a time. Alarms are never taken back: who
// receives one checks whether anything is due.
type alarm struct {
	at instant.Time
	id uint32
}

// keptAlarms is how much room an empty heap keeps; what a flood has taken beyond
// that is given back.
const keptAlarms = 4096

// alarms is a binary heap, earliest first.
type alarms []alarm

func (h *alarms) push(a alarm) {
	*h = append(*h, a)
	s := *h
	for i := len(s) - 1; i > 0; {
		up := (i - 1) / 2
		if s[up].at <= s[i].at {
			break
		}
		s[up], s[i] = s[i], s[up]
		i = up
	}
}

// pop removes the earliest alarm if it is due.
func (h *alarms) pop(now instant.Time) (alarm, bool) {
	s := *h
	if len(s) == 0 || s[0].at > now {
		return alarm{}, false
	}
	first, last := s[0], len(s)-1
	s[0] = s[last]
	s = s[:last]
	*h = s
	if last == 0 && cap(s) > keptAlarms {
		*h = nil
	}
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < last; c++ {
			if s[c].at < s[least].at {
				least = c
			}
		}
		if least == i {
			return first, true
		}
		s[least], s[i] = s[i], s[least]
		i = least
	}
}

// deadline returns when the earliest alarm is due, Never when there is none.
func (h alarms) deadline() instant.Time {
	if len(h) == 0 {
		return instant.Never
	}
	return h[0].at
}
