package sim

import (
	"time"

	"tandem/internal/device"
)

// stallLimit is how long a process may be stopped before its BFD sessions go down
// (daemon.StallLimit).
const stallLimit = 3 * time.Second

// stall holds the events that wait while a process is stopped, and until the process has
// read them afterwards.
type stall struct {
	waiting [readers][]device.Event
	mute    bool // the BFD sessions of the process are down
	over    bool // the process runs again, but has not read everything that waited
}

// Sources of events. The events of one source are read in order; those of different sources in
// any order.
const (
	helloReader = iota
	reportReader
	linkReader
	bfdReader
	upcallReader
	channelReader
	readers
)

func (s *stall) put(ev device.Event) {
	reader := channelReader
	switch ev.(type) {
	case device.HelloReceived:
		reader = helloReader
	case *device.MLDReceived:
		reader = reportReader
	case device.LinkChanged:
		reader = linkReader
	case device.BFDChanged:
		reader = bfdReader
	case device.StreamArrived:
		reader = upcallReader
	}
	s.waiting[reader] = append(s.waiting[reader], ev)
}

// running reports whether the process takes turns.
func (n *node) running() bool { return n.alive() && (n.stall == nil || n.stall.over) }

// beats reports whether BFD regards the process as alive.
func (n *node) beats() bool { return n.alive() && (n.stall == nil || !n.stall.mute) }

// stopOrGoOn stops the process as SIGSTOP does, or continues it. The kernel forwards
// during that time. Plans do not contain this fault, because it would change the plan of
// every seed.
func (n *node) stopOrGoOn() {
	if n.stall == nil {
		n.stop()
	} else {
		n.goOn()
	}
}

func (n *node) stop() {
	n.w.logf("%s is stopped", n.name)
	s := &stall{}
	n.stall = s
	n.w.after(stallLimit, func() {
		if n.stall == s && !s.over {
			s.mute = true
			n.w.judgePath()
		}
	})
}

func (n *node) goOn() {
	s := n.stall
	if s == nil || s.over {
		return
	}
	n.w.logf("%s goes on", n.name)
	s.over = true
	n.w.after(n.w.between(0, time.Millisecond), func() { n.readNext(s) })
}

// readNext takes the turn of the timer, or of a source that has events to read.
func (n *node) readNext(s *stall) {
	if n.stall != s || !n.alive() {
		return
	}
	if s.mute { // the first turn is a beat
		s.mute = false
		n.w.judgePath()
	}
	var some []int
	for reader, events := range s.waiting {
		if len(events) > 0 {
			some = append(some, reader)
		}
	}
	switch who := n.w.rng.IntN(len(some) + 1); {
	case who < len(some):
		reader := some[who]
		ev := s.waiting[reader][0]
		s.waiting[reader] = s.waiting[reader][1:]
		n.dev.Handle(n.w.now, ev)
	default:
		n.dev.Advance(n.w.now)
	}
	if len(some) == 0 {
		n.stall = nil
		return
	}
	n.w.after(n.w.between(0, 500*time.Microsecond), func() { n.readNext(s) })
}
