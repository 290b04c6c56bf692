package sim

import (
	"fmt"
	"slices"
	"time"

	"tandem/internal/instant"
)

// listening is the state of a host's wait for a stream.
type listening struct {
	served  bool // the host has received the stream since it joined
	missing bool
	// grace says that the stream was missing when the repair of faults was not complete
	// yet.
	grace bool
	since instant.Time
}

func (v *watch) checkListeners(vlan, i int, sent bool) error {
	w := v.w
	configured := w.nodes[0].hasVLAN(vlan) && w.nodes[1].hasVLAN(vlan)
	for _, h := range w.hosts {
		if h.vlan != vlan || !h.wants[i] {
			continue
		}
		l := &v.listens[h.number][i]
		switch {
		case !configured:
			*l = listening{missing: true, grace: true, since: w.now}
			h.heard[i] = false
			continue
		case w.stopped[i] > 0: // the source is stopped, so no device can send the stream
			l.since = w.now
			continue
		case sent && l.missing:
			if gap := w.now.Sub(l.since); l.served {
				v.Gaps++
				v.Longest = max(v.Longest, gap)
			}
			// The stream is sent already for another reason, and may stop when that
			// reason ends.
			*l = listening{served: l.served || h.known(i)}
		case sent && !l.served && h.known(i):
			l.served = true
		case !sent && !l.missing:
			l.missing, l.since = true, w.now
		}
		if !l.missing {
			continue
		}
		if waited, limit := v.waited(h, i, l); waited > limit {
			return fmt.Errorf("host %d has been without %s for %v (limit %v): %s, %s", h.number, w.streams[i].group, w.now.Sub(l.since), limit,
				w.nodes[0].whyNot(w.streams[i], vlan), w.nodes[1].whyNot(w.streams[i], vlan))
		}
	}
	return nil
}

// known reports whether the devices that know a listener have known it for long enough to
// act.
func (h *host) known(i int) bool {
	if !h.heard[i] {
		return false
	}
	now, both := h.w.now, &h.bothAt[i]
	switch {
	case h.w.knowers(h, i) < len(h.w.nodes):
		*both = instant.Never
	case !both.IsSet():
		*both = now
	case now.Sub(*both) > joinTime:
		return true
	}
	return now.Sub(h.heardAt[i]) > hearTime
}

// knowers counts the devices that know a listener.
func (w *World) knowers(h *host, i int) (count int) {
	for _, n := range w.nodes {
		if n.alive() && n.knows(h, w.streams[i]) {
			count++
		}
	}
	return count
}

// waited returns how long a listener has waited for a stream that could have been sent, and how
// long it may wait.
func (v *watch) waited(h *host, i int, l *listening) (waited, limit time.Duration) {
	w := v.w
	forgotten := h.heard[i] && v.forgotten(h, i)
	if forgotten && *h.lostReport(i) {
		l.grace = true // the repetition of the report was lost, too
	}
	if w.strict && !l.grace {
		gap := maxGap + w.helloDelay()
		if w.silent {
			gap = w.silentGap(i)
		}
		if !w.servable() {
			return 0, gap
		}
		switch {
		case l.served && (w.gapless || gap == 0):
			return w.now.Sub(l.since), 0
		case l.served:
			return w.now.Sub(l.since), gap
		case !h.heard[i], forgotten:
			return 0, maxJoin
		}
		return w.now.Sub(l.since), hearTime + gap + w.newStream(i) + w.opts.CheckEvery
	}
	l.grace = true
	for _, n := range w.nodes {
		if !n.ableSince.IsSet() {
			continue
		}
		since, most := max(l.since, n.ableSince), maxRelearn
		switch {
		case w.legOf(h) != n && v.whole.IsSet(): // the peer sends the listener's record to this device
			since = max(since, v.whole)
		case w.legOf(h) != n: // only the peer receives the hosts' reports
			if !n.peer().strandedSince.IsSet() {
				continue
			}
			since, most = max(since, n.peer().strandedSince), strandTime
		case h.hashedAt > l.since && v.open.IsSet() && !n.peer().legUp():
			since, most = max(since, h.hashedAt, v.open), maxAsked
		case h.hashedAt > l.since, h.hashedAt > max(h.heardAt[i], n.bootedAt) && !n.knows(h, w.streams[i]):
			since, most = max(since, h.hashedAt), maxRehash
		case !v.whole.IsSet() && w.answeredElsewhere(h, n):
			most = maxRehash
		}
		if waited, limit = w.now.Sub(since), most; waited > limit {
			break
		}
	}
	return waited, limit
}

// answeredElsewhere reports whether another MLDv1 host may answer in place of this one,
// so that only the peer of device n receives the answer.
func (w *World) answeredElsewhere(h *host, n *node) bool {
	return h.v1 && slices.ContainsFunc(w.hosts, func(o *host) bool { return o.v1 && o.vlan == h.vlan && w.legOf(o) != n })
}
