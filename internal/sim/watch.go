package sim

import (
	"fmt"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/mld"
)

// What is allowed.
const (
	// maxGap is how long an established listener may go without its stream when
	// one thing goes wrong: detection, 30 ms, and 20 ms for the flip, or for a hello
	// that is lost and said again.
	maxGap = 50 * time.Millisecond
	// repeatGap is how long each further hello that is lost in a row delays a change.
	repeatGap = 20 * time.Millisecond
	// maxJoin is how long a new listener may wait for the repetition of a lost report, and
	// for the upstream.
	maxJoin = 2*unsolicited + 500*time.Millisecond
	// maxDouble is how long two devices may both send a stream in a healthy pair.
	maxDouble = 300 * time.Millisecond
	// healing is how long after the last fault a pair counts as healing: BFD
	// slow start, reconnection with backoff, revert delay.
	healing = 10 * time.Second
	// strandTime is ample for a device to take its leg down, on which it hears hosts in
	// vain, after 2 s.
	strandTime = 4 * time.Second
	// hearTime is how long after it was heard a listener counts as established even
	// if only one device knows it: that one is patient for 200 ms and then sends in
	// the peer's stead.
	hearTime = 200*time.Millisecond + maxGap
	// joinTime is ample for a device to receive a stream for a listener that it has heard.
	joinTime = 2 * (rejoinDelay + upcallDelay)
)

// How long a listener may wait when several things went wrong at once.
var (
	timers = mld.DefaultConfig()
	// maxRelearn is the wait for a device that has all it takes to serve: all but one
	// of its queries at start-up go unanswered. What makes the querier begin anew while
	// an answer is due, that is lost then, is another response time.
	maxRelearn = time.Duration(timers.Robustness-1)*timers.StartupQueryInterval() + 2*timers.MaxResponse + maxJoin
	// maxAsked is the wait after what makes a device ask who its hosts are, at most
	// every 10 s.
	maxAsked = 10*time.Second + maxRelearn
	// maxRehash is the wait of a listener whose reports the switch has come to hash to a
	// device that knows nothing of it and cannot be told: nobody has a reason to ask, so
	// the general queries have to find it, of which an answer may be lost.
	maxRehash = timers.ListeningInterval() + maxJoin
)

// watch checks the invariants after every event.
type watch struct {
	w       *World
	listens [][]listening // by host, stream
	doubled [vlans][]instant.Time
	whole   instant.Time // since when the channel is, Never while it is not
	open    instant.Time // and the path for hellos
	// Gaps and Longest describe what listeners went through.
	Gaps    int
	Longest time.Duration
}

// listening is a host's wait for a stream.
type listening struct {
	served  bool // at least once since it was joined
	missing bool
	// grace: it was missing when things were still being mended.
	grace bool
	since instant.Time
}

func newWatch(w *World) watch {
	v := watch{w: w, listens: make([][]listening, len(w.hosts))}
	for i := range v.listens {
		v.listens[i] = make([]listening, len(w.streams))
	}
	for vlan := range v.doubled {
		v.doubled[vlan] = make([]instant.Time, len(w.streams))
	}
	return v
}

// changed starts the wait of a host that has joined.
func (v *watch) changed(h *host, i int) {
	v.listens[h.number][i] = listening{missing: true, since: v.w.now}
}

// heard starts the wait anew: only now can it be fulfilled.
func (v *watch) heard(h *host, i int) {
	if l := &v.listens[h.number][i]; !l.served {
		l.since = v.w.now
	}
}

// forgotten reports whether who heard of a new listener has died before it could tell.
func (v *watch) forgotten(h *host, i int) bool {
	return !v.listens[h.number][i].served && v.w.knowers(h, i) == 0
}

// forgive lets those who miss something when strict rules begin wait as they
// might have before. What both devices have forgotten, after more than one thing
// had gone wrong, they have to hear again first.
func (v *watch) forgive(strict bool) {
	for _, h := range v.w.hosts {
		for i, s := range v.w.streams {
			l := &v.listens[h.number][i]
			if l.missing {
				l.grace = true
			}
			if !strict && !v.w.nodes[0].knows(h, s) && !v.w.nodes[1].knows(h, s) {
				h.heard[i], l.served = false, false
			}
		}
	}
}

func (v *watch) check() error {
	v.noteAble()
	for vlan := range vlans {
		for i := range v.w.streams {
			senders := 0
			for _, n := range v.w.nodes {
				senders += int(n.sending[i] >> vlan & 1)
			}
			if err := v.checkListeners(vlan, i, senders > 0); err != nil {
				return err
			}
			if err := v.checkSenders(vlan, i, senders); err != nil {
				return err
			}
		}
	}
	return v.checkPermission()
}

// noteAble notes since when each device, and the channel, have been whole, and to which
// the switch hashes each host.
func (v *watch) noteAble() {
	note := func(since *instant.Time, ok bool) {
		switch {
		case !ok:
			*since = instant.Never
		case !since.IsSet():
			*since = v.w.now
		}
	}
	for _, n := range v.w.nodes {
		note(&n.ableSince, n.able())
	}
	note(&v.open, v.w.pathCuts == [2]int{})
	for _, n := range v.w.nodes {
		note(&n.strandedSince, !v.whole.IsSet() && v.open.IsSet() && n.stranded())
	}
	note(&v.whole, v.w.channelWhole() && v.w.nodes[0].alive() && v.w.nodes[1].alive())
	for _, h := range v.w.hosts {
		if at := v.w.legOf(h); at != h.hashedTo {
			h.hashedTo, h.hashedAt = at, v.w.now
		}
	}
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
		case sent && l.missing:
			if gap := w.now.Sub(l.since); l.served {
				v.Gaps++
				v.Longest = max(v.Longest, gap)
			}
			// Sent already for another reason, it may end with that.
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

// known reports whether the devices that know of a listener have had the time to act on it:
// a moment if both do.
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

// knowers counts the devices that know of a listener.
func (w *World) knowers(h *host, i int) (count int) {
	for _, n := range w.nodes {
		if n.alive() && n.knows(h, w.streams[i]) {
			count++
		}
	}
	return count
}

// waited returns how long a listener has waited for what it could have had, and
// how long it may.
func (v *watch) waited(h *host, i int, l *listening) (waited, limit time.Duration) {
	w := v.w
	forgotten := h.heard[i] && v.forgotten(h, i)
	if forgotten && *h.lostReport(i) {
		l.grace = true // its repetition is lost, too
	}
	if w.strict && !l.grace {
		gap := maxGap + w.helloDelay()
		if !w.servable() {
			return 0, gap
		}
		switch {
		case l.served && w.gapless:
			return w.now.Sub(l.since), 0
		case l.served:
			return w.now.Sub(l.since), gap
		case !h.heard[i], forgotten:
			return 0, maxJoin
		}
		return w.now.Sub(l.since), hearTime + gap + w.opts.CheckEvery
	}
	l.grace = true
	for _, n := range w.nodes {
		if !n.ableSince.IsSet() {
			continue
		}
		since, most := max(l.since, n.ableSince), maxRelearn
		switch {
		case w.legOf(h) != n && v.whole.IsSet(): // it is told of the listener
			since = max(since, v.whole)
		case w.legOf(h) != n: // the peer sends the hosts here
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

// answeredElsewhere reports whether another MLDv1 host may answer in this one's stead, and be
// heard by the peer of a device only.
func (w *World) answeredElsewhere(h *host, n *node) bool {
	return h.v1 && slices.ContainsFunc(w.hosts, func(o *host) bool { return o.v1 && o.vlan == h.vlan && w.legOf(o) != n })
}

func (v *watch) checkSenders(vlan, i, senders int) error {
	since := &v.doubled[vlan][i]
	switch {
	case senders < 2 || !v.w.healthy() && !(v.w.heard && v.w.bothOpen(vlan, i)):
		*since = instant.Never
	case !since.IsSet():
		*since = v.w.now
	case v.w.now.Sub(*since) > maxDouble:
		return fmt.Errorf("both devices have been sending %s on %s for %v (limit %v)", v.w.streams[i].group, legName(vlan), v.w.now.Sub(*since), maxDouble)
	}
	return nil
}

// bothOpen reports whether the gates of both devices let a stream pass, not as an exception.
func (w *World) bothOpen(vlan, i int) bool {
	for _, n := range w.nodes {
		if n.open(vlan)&(1<<w.streams[i].bucket) == 0 {
			return false
		}
	}
	return true
}

// checkPermission sees to it that each device's gate is what its duty permits,
// and that a Backup sends nothing.
func (v *watch) checkPermission() error {
	for _, n := range v.w.nodes {
		if !n.alive() {
			continue
		}
		duty := n.duty()
		for vlan := range vlans {
			if !n.hasVLAN(vlan) {
				continue
			}
			if n.open(vlan) != duty.Covers {
				return fmt.Errorf("%s lets pass %v on %s, its duty covers %v", n.name, n.open(vlan), legName(vlan), duty.Covers)
			}
		}
		if n.heldBack > 0 && duty.Kind != device.DutyNone {
			return fmt.Errorf("%s is held back, its duty is %v", n.name, duty.Kind)
		}
	}
	return nil
}

// servable reports whether any device is whole.
func (w *World) servable() bool { return w.nodes[0].able() || w.nodes[1].able() }

// healthy reports whether everything has been whole for a while.
func (w *World) healthy() bool {
	if !w.settled || !w.healedAt.IsSet() || w.now < w.healedAt.Add(healing) {
		return false
	}
	for _, n := range w.nodes {
		if !n.able() || !n.legUp() && n.memberMode() != etrunk.Auto {
			return false
		}
	}
	return true
}
