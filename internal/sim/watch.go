package sim

import (
	"time"

	"tandem/internal/instant"
	"tandem/internal/mld"
)

// What the invariants allow.
const (
	// maxGap is how long an established listener may be without its stream after one fault: 30
	// ms for detection, and 20 ms for the switchover or for a lost hello that is repeated.
	maxGap = 50 * time.Millisecond
	// maxSilence is how long a listener may miss a fast stream that no longer arrives at
	// one device: 20 ms of silence, 10 ms to the next look, the peer's report, and a look
	// at the peer.
	maxSilence = 60 * time.Millisecond
	// repeatGap is how much each further lost hello in a row delays a change.
	repeatGap = 20 * time.Millisecond
	// maxJoin is how long a new listener may wait for the repetition of a lost report and for
	// the upstream network.
	maxJoin = 2*unsolicited + 500*time.Millisecond
	// maxDouble is how long both devices of a healthy pair may send the same stream.
	maxDouble = 300 * time.Millisecond
	// healing is how long after the last fault a pair may still be recovering: slow start
	// of BFD, reconnection with backoff, revert delay.
	healing = 10 * time.Second
	// strandTime is more than a device needs to take down a leg whose hosts it cannot serve. It
	// does so after 2 s.
	strandTime = 4 * time.Second
	// hearTime is how long after its report a listener counts as established if only one
	// device knows it. That device waits for 200 ms and then sends in the peer's stead.
	hearTime = 200*time.Millisecond + maxGap
	// joinTime is more than a device needs to receive a stream for a listener after its
	// report.
	joinTime = 2 * (rejoinDelay + upcallDelay)
)

// How long a listener may wait after several simultaneous faults.
var (
	timers = mld.DefaultConfig()
	// maxRelearn is the wait for a device that can serve: all but one of its start-up queries
	// get no answer. If an answer is lost, another response time starts the querier's queries
	// again.
	maxRelearn = time.Duration(timers.Robustness-1)*timers.StartupQueryInterval() + 2*timers.MaxResponse + maxJoin
	// maxAsked is the wait after an event that makes a device query its hosts. It does so every
	// 10 s at most.
	maxAsked = 10*time.Second + maxRelearn
	// maxRehash is the wait of a listener whose reports the switch now hashes to a device
	// that does not know the listener and has no channel to the peer. No event causes a
	// query, so a general query must find the listener, and its answer may be lost.
	maxRehash = timers.ListeningInterval() + maxJoin
)

// watch checks the invariants after every event.
type watch struct {
	w       *World
	listens [][]listening // by host and stream
	doubled [vlans][]instant.Time
	whole   instant.Time // since when the channel works, Never if it does not
	open    instant.Time // since when the path of the hellos works, too
	// Gaps counts the interruptions of listeners. Longest is the longest one.
	Gaps    int
	Longest time.Duration
	// Twice is the longest time for which both devices have sent the same stream.
	Twice time.Duration
	both  [vlans][]instant.Time // since when both devices have been sending, by VLAN
}

func newWatch(w *World) watch {
	v := watch{w: w, listens: make([][]listening, len(w.hosts))}
	for i := range v.listens {
		v.listens[i] = make([]listening, len(w.streams))
	}
	for vlan := range v.doubled {
		v.doubled[vlan] = make([]instant.Time, len(w.streams))
		v.both[vlan] = make([]instant.Time, len(w.streams))
	}
	return v
}

// changed starts the wait of a host that has joined.
func (v *watch) changed(h *host, i int) {
	v.listens[h.number][i] = listening{missing: true, since: v.w.now}
}

// heard starts the wait again, because only now can the stream be sent.
func (v *watch) heard(h *host, i int) {
	if l := &v.listens[h.number][i]; !l.served {
		l.since = v.w.now
	}
}

// resumed begins the wait of all listeners that lack a stream anew: its source had stopped.
func (v *watch) resumed(i int) {
	for _, h := range v.w.hosts {
		v.listens[h.number][i].since = v.w.now
	}
}

// forgotten reports whether the device that received the report of a new listener has
// died before it could send it to the peer.
func (v *watch) forgotten(h *host, i int) bool {
	return !v.listens[h.number][i].served && v.w.knowers(h, i) == 0
}

// forgive restarts the wait of listeners that lack their stream when strict rules begin.
// If both devices have lost a listener in several faults, they must first receive its
// report again.
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

// noteAble records since when each device has been able to serve, since when each device has
// hosts that it can neither serve nor report to the peer, and since when the hello paths and
// the replication channel have worked. It also records to which device the switch hashes each
// host.
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
