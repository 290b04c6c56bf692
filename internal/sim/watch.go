package sim

import (
	"time"

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
