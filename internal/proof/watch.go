package proof

import (
	"time"

	"tandem/internal/instant"
)

// quietShare is the part of the streams that do not flow of which each look sees one. So a network
// of which few streams flow costs little; a stream that begins is noticed so many looks later at most.
const quietShare = 8

// fallenFor is how long after its last packet a stream that has fallen silent is looked at each time. So
// short pauses are known well.
const fallenFor = time.Second

// Watch looks at the arrival of many streams. Each is told by a number, its slot, that the caller
// gives; the numbers should be small, for they index memory.
type Watch struct {
	flows   []watched // by slot
	counted []uint64  // by slot: what had come when the stream was put in quiet, apart so that many are read fast
	flowing []uint32  // slots
	fallen  []uint32  // silent for a moment
	quiet   []uint32
	next    int // where in quiet the next look begins
}

type watched struct {
	Flow
	place uint32 // in its list, counted from 1; 0 for a slot that is not watched
	long  bool   // it is in quiet and not in fallen, while it does not flow
}

// Reading is what has been counted of a stream: all packets, and when the last of them came, Never for none.
type Reading struct {
	Packets uint64
	Last    instant.Time
}

// Add begins to watch a slot, of which nothing has come. A slot that is watched begins anew.
func (w *Watch) Add(slot uint32) {
	w.Remove(slot)
	if more := int(slot) + 1 - len(w.flows); more > 0 {
		w.flows = append(w.flows, make([]watched, more)...)
		w.counted = append(w.counted, make([]uint64, more)...)
	}
	w.flows[slot], w.counted[slot] = watched{long: true}, 0
	w.put(slot)
}

// Remove ends the watch of a slot. It does nothing for one that is not watched.
func (w *Watch) Remove(slot uint32) {
	if w.watches(slot) {
		w.take(slot, w.flows[slot].list(w))
	}
}

// Of returns what is known of a stream, nil for a slot that is not watched. It is valid until the next Add.
func (w *Watch) Of(slot uint32) *Flow {
	if !w.watches(slot) {
		return nil
	}
	return &w.flows[slot].Flow
}

// Flowing is how many streams are coming in.
func (w *Watch) Flowing() int { return len(w.flowing) }

// Len is how many streams are watched.
func (w *Watch) Len() int { return len(w.flowing) + len(w.fallen) + len(w.quiet) }

// Look reads every stream that flows and some of the others, and tells of each that has begun to
// flow or has fallen silent.
func (w *Watch) Look(now instant.Time, read func(slot uint32) Reading, changed func(slot uint32, flowing bool)) {
	// From the end: what a silent one leaves is filled with one that has been looked at.
	for i := len(w.flowing) - 1; i >= 0; i-- {
		w.look(now, w.flowing[i], read, changed)
	}
	for i := len(w.fallen) - 1; i >= 0; i-- {
		slot := w.fallen[i]
		w.look(now, slot, read, changed)
		if f := &w.flows[slot]; !f.flowing && now.Sub(f.last) > fallenFor {
			w.take(slot, &w.fallen)
			f.long, w.counted[slot] = true, f.packets
			w.put(slot)
		}
	}
	for n := (len(w.quiet) + quietShare - 1) / quietShare; n > 0 && len(w.quiet) > 0; n-- {
		if w.next == 0 || w.next > len(w.quiet) {
			w.next = len(w.quiet)
		}
		w.next--
		if slot := w.quiet[w.next]; read(slot).Packets != w.counted[slot] {
			w.look(now, slot, read, changed)
		}
	}
}

// LookAt reads one stream out of turn. It does nothing for a slot that is not watched.
func (w *Watch) LookAt(now instant.Time, slot uint32, read func(slot uint32) Reading, changed func(slot uint32, flowing bool)) {
	if w.watches(slot) {
		w.look(now, slot, read, changed)
	}
}

func (w *Watch) look(now instant.Time, slot uint32, read func(uint32) Reading, changed func(uint32, bool)) {
	f := &w.flows[slot]
	r := read(slot)
	if before := f.list(w); f.Look(now, r.Packets, r.Last) {
		w.take(slot, before)
		f.long = false
		w.put(slot)
		changed(slot, f.flowing)
	}
}

func (w *Watch) watches(slot uint32) bool {
	return int(slot) < len(w.flows) && w.flows[slot].place != 0
}

// list is the list that a stream belongs to as it is now.
func (f *watched) list(w *Watch) *[]uint32 {
	switch {
	case f.flowing:
		return &w.flowing
	case f.long:
		return &w.quiet
	}
	return &w.fallen
}

// put adds a slot to its list.
func (w *Watch) put(slot uint32) {
	list := w.flows[slot].list(w)
	*list = append(*list, slot)
	w.flows[slot].place = uint32(len(*list))
}

// take removes a slot from the list that it is in; the last one there takes its place.
func (w *Watch) take(slot uint32, list *[]uint32) {
	last := len(*list) - 1
	moved := (*list)[last]
	(*list)[w.flows[slot].place-1] = moved
	w.flows[moved].place = w.flows[slot].place
	*list = (*list)[:last]
	w.flows[slot].place = 0
}
