package lab

import "time"

// tally records the packets that arrived at one listener, by sequence number.
type tally struct {
	first []int64  // receive time of the first copy in Unix nanoseconds, 0 if none came
	extra []uint16 // further copies
	total uint64   // packets received, copies included
}

// ahead bounds how far a sequence number may jump. A packet with a higher one cannot be
// from the lab's source.
const ahead = 1 << 20

// arrived records one packet.
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

// window is a range of sequence numbers: from from up to, not including, to.
type window struct{ from, to uint64 }

// loss is what a listener missed in a window.
type loss struct {
	lost, duplicated int
	// gap is the longest time without the stream: from the last packet before a hole to
	// the first one after it. It is 0 if no packet is missing.
	gap time.Duration
}

// loss evaluates a window. A hole that reaches the end of the window counts up to the
// next packet. If there is no next packet, it counts as long as the missing packets took
// to send.
func (t *tally) loss(w window) loss {
	var l loss
	hole := 0 // length of the hole that contains seq
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

// lastBefore returns the last sequence number below seq that arrived, 0 if none did.
func (t *tally) lastBefore(seq uint64) uint64 {
	for seq > 0 {
		seq--
		if t.at(seq) != 0 {
			break
		}
	}
	return seq
}

// nextAfter returns the first sequence number from seq on that arrived, or a number that
// did not arrive if there is none.
func (t *tally) nextAfter(seq uint64) uint64 {
	for ; seq < uint64(len(t.first)); seq++ {
		if t.first[seq] != 0 {
			break
		}
	}
	return seq
}

// earliest returns the receive time of the arrived packet with the lowest sequence
// number, 0 if none came.
func (t *tally) earliest() int64 { return t.at(t.nextAfter(0)) }

// add adds the loss of another listener: lost packets are added, the gap is the longer
// one.
func (l loss) add(m loss) loss {
	return loss{l.lost + m.lost, l.duplicated + m.duplicated, max(l.gap, m.gap)}
}
