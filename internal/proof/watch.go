package proof

import (
	"time"

	"tandem/internal/instant"
)

// quietShare is the number of looks after which every stream that does not flow has been
// read once: each look reads one in quietShare. So these streams cost little, and a
// stream that begins is noticed after at most quietShare looks.
const quietShare = 8

// fallenFor is how long after its last packet a stream that has become silent is still read
// at each look. So the lengths of short pauses are measured well.
const fallenFor = time.Second

// Watch observes the arrival of many streams. The caller identifies each stream by a
// number, its slot. The numbers should be small, because they are indexes into memory.
type Watch struct {
	flows   []watched // state of each slot
	counted []uint64  // packet count of each slot when its stream was put in quiet; a slice of its own, so that reading many is fast
	flowing []uint32  // slots of streams that flow
	fallen  []uint32  // slots of streams that have become silent a moment ago
	quiet   []uint32
	next    int // index in quiet at which the next look begins
}

type watched struct {
	Flow
	place uint32 // position in its list, counted from 1; 0 if the slot is not watched
	long  bool   // the slot is in quiet, not in fallen; valid only while the stream does not flow
}

// Reading is a reading of a stream's counters: the number of all packets, and when the last
// one arrived, Never if none has.
type Reading struct {
	Packets uint64
	Last    instant.Time
}

// Add begins to watch a slot whose counters are 0. If the slot is already watched, the
// watch begins again.
func (w *Watch) Add(slot uint32) {
	w.Remove(slot)
	if more := int(slot) + 1 - len(w.flows); more > 0 {
		w.flows = append(w.flows, make([]watched, more)...)
		w.counted = append(w.counted, make([]uint64, more)...)
	}
	w.flows[slot], w.counted[slot] = watched{long: true}, 0
	w.put(slot)
}

// Remove ends the watch of a slot, if it is watched.
func (w *Watch) Remove(slot uint32) {
	if w.watches(slot) {
		w.take(slot, w.flows[slot].list(w))
	}
}

// Of returns the state of a stream, nil if its slot is not watched. It is valid until the
// next Add.
func (w *Watch) Of(slot uint32) *Flow {
	if !w.watches(slot) {
		return nil
	}
	return &w.flows[slot].Flow
}

// Flowing returns how many streams are arriving.
func (w *Watch) Flowing() int { return len(w.flowing) }

// Len returns how many streams are watched.
func (w *Watch) Len() int { return len(w.flowing) + len(w.fallen) + len(w.quiet) }

// Look reads every stream that flows and some of the others. It calls changed for each
// stream that has begun to flow or has become silent.
func (w *Watch) Look(now instant.Time, read func(slot uint32) Reading, changed func(slot uint32, flowing bool)) {
	// Backwards: when a stream leaves the list, the last one takes its place, and that one
	// has been read already.
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

// LookAt reads one stream at once. It does nothing if the slot is not watched.
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

// list returns the list in which a stream of this state belongs.
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

// take removes a slot from its list. The last slot of the list moves to its place.
func (w *Watch) take(slot uint32, list *[]uint32) {
	last := len(*list) - 1
	moved := (*list)[last]
	(*list)[w.flows[slot].place-1] = moved
	w.flows[moved].place = w.flows[slot].place
	*list = (*list)[:last]
	w.flows[slot].place = 0
}
