package sim

import (
	"fmt"
	"time"
)

// What is allowed.
const (
	// maxGap is how long an established listener may go without its stream:
	// detection, 30 ms, and 20 ms for the flip.
	maxGap = 50 * time.Millisecond
	// maxJoin is how long a new listener may wait: for the repetition of a lost
	// report, and for the upstream.
	maxJoin = 2*unsolicited + 500*time.Millisecond
	// maxDouble is how long two devices may both send a stream in a healthy pair.
	maxDouble = 300 * time.Millisecond
	// healing is how long after the last fault a pair counts as healing: BFD
	// slow start, reconnection with backoff, revert delay.
	healing = 10 * time.Second
)

// watch checks the invariants after every event.
type watch struct {
	w       *World
	listens [][]listening // by host, stream
	doubled []time.Duration
	// Gaps and Longest describe what listeners went through.
	Gaps    int
	Longest time.Duration
}

// listening is a host's wait for a stream.
type listening struct {
	served  bool // at least once since it was joined
	missing bool
	since   time.Duration
}

const never = -1

func newWatch(w *World) watch {
	v := watch{w: w, listens: make([][]listening, len(w.hosts)), doubled: make([]time.Duration, len(w.streams))}
	for i := range v.listens {
		v.listens[i] = make([]listening, len(w.streams))
	}
	for i := range v.doubled {
		v.doubled[i] = never
	}
	return v
}

// changed starts the wait of a host that has joined.
func (v *watch) changed(h *host, i int) {
	v.listens[h.port][i] = listening{missing: true, since: v.w.now}
}

func (v *watch) check() error {
	for i, s := range v.w.streams {
		senders := 0
		for _, n := range v.w.nodes {
			if n.sends(s) {
				senders++
			}
		}
		if err := v.checkListeners(i, senders > 0); err != nil {
			return err
		}
		if err := v.checkSenders(i, senders); err != nil {
			return err
		}
	}
	return nil
}

func (v *watch) checkListeners(i int, sent bool) error {
	for _, h := range v.w.hosts {
		l := &v.listens[h.port][i]
		switch {
		case !h.wants[i]:
			continue
		case sent && l.missing:
			if gap := v.w.now - l.since; l.served {
				v.Gaps++
				v.Longest = max(v.Longest, gap)
			}
			l.missing, l.served = false, true
		case !sent && !l.missing:
			l.missing, l.since = true, v.w.now
		}
		limit := maxGap
		if !l.served {
			limit = maxJoin
		}
		if l.missing && v.w.now-l.since > limit && v.w.servable() {
			return fmt.Errorf("host %d has been without %s for %v (limit %v)", h.port, v.w.streams[i].group, v.w.now-l.since, limit)
		}
	}
	return nil
}

func (v *watch) checkSenders(i, senders int) error {
	switch {
	case senders < 2 || !v.w.healthy():
		v.doubled[i] = never
	case v.doubled[i] == never:
		v.doubled[i] = v.w.now
	case v.w.now-v.doubled[i] > maxDouble:
		return fmt.Errorf("both devices have been sending %s for %v (limit %v)", v.w.streams[i].group, v.w.now-v.doubled[i], maxDouble)
	}
	return nil
}

// servable reports whether any device is whole.
func (w *World) servable() bool {
	for _, n := range w.nodes {
		if n.alive() && n.upCable && n.legCable {
			return true
		}
	}
	return false
}

// healthy reports whether everything has been whole for a while.
func (w *World) healthy() bool {
	if !w.pathUp || !w.rbsUp || w.now < w.healedAt+healing {
		return false
	}
	for _, n := range w.nodes {
		if !n.alive() || !n.upCable || !n.legUp() {
			return false
		}
	}
	return true
}
