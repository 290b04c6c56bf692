package ebpf

import (
	"errors"
	"math/bits"
	"slices"
	"time"
	"unsafe"
)

// listRest is how long the room of a list is not used for another list: the program may
// still read the old list for a packet, for microseconds.
const listRest = time.Second

var errNoRoom = errors.New("no room for another list of outgoing interfaces")

// list is a list of outputs. Routes with the same outputs share one list. A list never
// changes.
type list struct {
	first   uint32
	outputs []uint32
	users   int // number of routes that use the list
}

// lists holds all lists. The size of a list's room is a power of two.
type lists struct {
	memory *array[listed]
	known  map[string]*list
	free   [16][]place // free room by the logarithm of its size, the oldest first
	end    uint32      // end of the part that was ever used
}

type place struct {
	first uint32
	since time.Time
}

func newLists(memory *array[listed]) lists {
	return lists{memory: memory, known: make(map[string]*list)}
}

// name returns the key of a list in lists.
func name(outputs []uint32) string {
	if len(outputs) == 0 {
		return ""
	}
	return unsafe.String((*byte)(unsafe.Pointer(&outputs[0])), 4*len(outputs))
}

// get returns the list of some outputs, and whether it is new. The caller has to add
// itself to its users.
func (l *lists) get(outputs []uint32, now time.Time) (got *list, made bool, err error) {
	if got = l.known[name(outputs)]; got != nil {
		return got, false, nil
	}
	got = &list{outputs: slices.Clone(outputs)}
	if len(outputs) > 0 {
		if got.first, err = l.place(class(len(outputs)), now); err != nil {
			return nil, false, err
		}
	}
	for i, o := range outputs {
		l.memory.at(got.first + uint32(i)).output = o
	}
	l.known[name(got.outputs)] = got
	return got, true, nil
}

// class returns the logarithm of the room that n outputs take.
func class(n int) int { return bits.Len(uint(n - 1)) }

func (l *lists) place(class int, now time.Time) (uint32, error) {
	if free := l.free[class]; len(free) > 0 && now.Sub(free[0].since) >= listRest {
		l.free[class] = free[1:]
		return free[0].first, nil
	}
	first := l.end
	if first+1<<class > listRoom {
		return 0, errNoRoom
	}
	l.end += 1 << class
	return first, nil
}

// drop removes a list that has no users.
func (l *lists) drop(old *list, now time.Time) {
	delete(l.known, name(old.outputs))
	if n := len(old.outputs); n > 0 {
		l.free[class(n)] = append(l.free[class(n)], place{old.first, now})
	}
}

// adopt records that a route uses a list that the predecessor has made. It reports
// whether it was unknown until now. After the last list, settle has to be called.
func (l *lists) adopt(first, n uint32) (got *list, made bool) {
	outputs := make([]uint32, n)
	for i := range n {
		outputs[i] = l.memory.at(first + i).output
	}
	if got = l.known[name(outputs)]; got == nil {
		got, made = &list{first: first, outputs: outputs}, true
		l.known[name(outputs)] = got
	}
	return got, made
}

// settle finds the free room between the adopted lists.
func (l *lists) settle(now time.Time) {
	var byPlace []*list
	for _, used := range l.known {
		if len(used.outputs) > 0 {
			byPlace = append(byPlace, used)
		}
	}
	slices.SortFunc(byPlace, func(a, b *list) int { return int(a.first) - int(b.first) })
	for _, used := range byPlace {
		for l.end < used.first {
			c := min(bits.Len32(used.first-l.end)-1, len(l.free)-1)
			l.free[c] = append(l.free[c], place{l.end, now})
			l.end += 1 << c
		}
		l.end = used.first + 1<<class(len(used.outputs))
	}
}
