package lab

import "time"

// tally is what arrived at one listener, by sequence number.
type tally struct {
	first []int64  // receive time of the first copy in Unix nanoseconds, 0 when none came
	extra []uint16 // further copies
	total uint64   // packets, copies included
}

// ahead is how far a sequence number may jump: farther cannot be from our source.
const ahead = 1 << 20

// arrived takes in one packet.
func (t *tally) arrived(seq uint64, at int64) {
	if seq >= uint64(len(t.first)) {
		if seq > uint64(len(t.first))+ahead {
			return
		}
		grow := int(seq) + 1 - len(t.first)
		t.first = append(t.first, make([]int64, grow)...)
		t.extra = append(t.extra, make([]uint16, grow)...)
	}
	t.total++
	if t.first[seq] != 0 {
		t.extra[seq]++
		return
	}
	t.first[seq] = at
}

func (t *tally) at(seq uint64) int64 {
	if seq < uint64(len(t.first)) {
		return t.first[seq]
	}
	return 0
}

// window is a stretch of sequence numbers: from, up to but not including to.
type window struct{ from, to uint64 }

// loss is what a listener missed in a window.
type loss struct {
	lost, duplicated int
	// gap is the longest time without the stream: from the last packet before a
	// hole to the first one after it. It is 0 when no packet is missing.
	gap time.Duration
}

// loss evaluates a window. A hole that is still open at its end counts up to
// the next packet, and if there is none, as long as the packets that it swallowed.
func (t *tally) loss(w window) loss {
	var l loss
	hole := 0 // length of the hole that seq stands in
	before := t.lastBefore(w.from)
	end := func(after uint64) {
		gap := time.Duration(hole+1) * packetInterval
		if from, to := t.at(before), t.at(after); from != 0 && to != 0 {
			gap = time.Duration(to - from)
		}
		l.gap = max(l.gap, gap)
		hole = 0
	}
	for seq := w.from; seq < w.to; seq++ {
		if t.at(seq) == 0 {
			l.lost++
			hole++
			continue
		}
		if hole > 0 {
			end(seq)
		}
		before = seq
		l.duplicated += int(t.extra[seq])
	}
	if hole > 0 {
		end(t.nextAfter(w.to))
	}
	return l
}

// lastBefore is the last sequence number below seq that arrived, 0 when none did.
func (t *tally) lastBefore(seq uint64) uint64 {
	for seq > 0 {
		seq--
		if t.at(seq) != 0 {
			break
		}
	}
	return seq
}

// nextAfter is the first sequence number from seq on that arrived, or one that did not.
func (t *tally) nextAfter(seq uint64) uint64 {
	for ; seq < uint64(len(t.first)); seq++ {
		if t.first[seq] != 0 {
			break
		}
	}
	return seq
}

// earliest is the receive time of the first packet by sequence number, 0 when none came.
func (t *tally) earliest() int64 { return t.at(t.nextAfter(0)) }

// add sums up what several listeners missed: losses add up, the gap is the
// longest of any.
func (l loss) add(m loss) loss {
	return loss{l.lost + m.lost, l.duplicated + m.duplicated, max(l.gap, m.gap)}
}
