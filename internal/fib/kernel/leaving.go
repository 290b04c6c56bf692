package kernel

import (
	"context"
	"strings"
	"time"

	"tandem/internal/event"
	"tandem/internal/fib"
	"tandem/internal/instant"
	"tandem/internal/proof"
)

const (
	// leavingInterval is the time between two looks at the leaving packets. A look takes 70
	// us with three interfaces.
	leavingInterval = 100 * time.Millisecond
	// seekInterval is the time between two searches for chains that drop packets, while
	// packets are lost.
	seekInterval = time.Second
)

// leaving checks whether forwarded packets really leave. Only one goroutine uses it.
type leaving struct {
	*Plane
	ways   map[string]*way // the interfaces, by Linux name
	failed bool            // the last reading of the counters failed, and the event was emitted
}

// way is the way of packets out of one interface.
type way struct {
	proof.Leaving
	said     fib.Leaving  // the last report to the router
	cause    string       // the chain that may drop packets, empty if none is known
	soughtAt instant.Time // when the plane last searched for the cause
}

// watchLeaving reports to the router when forwarded packets do not leave.
func (p *Plane) watchLeaving(ctx context.Context) error {
	l := &leaving{Plane: p, ways: make(map[string]*way)}
	began := time.Now()
	tick := time.NewTicker(leavingInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if !l.look(instant.FromOrigin(time.Since(began))) {
			return nil
		}
	}
}

// look looks at all interfaces once. It returns false when the router gives no turns any
// more.
func (l *leaving) look(now instant.Time) bool {
	for name, passed := range l.read() {
		w := l.ways[name]
		if w == nil {
			w = &way{said: fib.Leaving{Netdev: name}}
			l.ways[name] = w
		}
		changed := w.Look(now, passed, w.cause != "")
		switch {
		case w.Lost() == proof.Nowhere:
			w.cause = ""
		case changed || now.Sub(w.soughtAt) >= seekInterval:
			l.seek(w, now)
		}
		if !l.say(w, fib.Leaving{Netdev: name, Lacking: w.Lost() != proof.Nowhere, Cause: w.cause}) {
			return false
		}
	}
	return l.dropGone()
}

// read reads the counters of all interfaces, in the order in which packets pass them.
func (l *leaving) read() map[string]proof.Passage {
	passages := make(map[string]proof.Passage)
	for index, told := range l.interfaces.all() {
		if sent, err := l.table.Sent(index); err == nil { // an error means that the interface is gone
			passages[told.Name] = proof.Passage{Offered: sent}
		}
	}
	flows, err := l.gate.gate.Flows()
	if err != nil && !l.failed {
		l.router.Emit(event.LeavingNotRead.With(err))
	}
	l.failed = err != nil
	for name, p := range passages {
		if f := flows[name]; f != nil {
			p.Held, p.Passed, p.Left = f.Held, f.Passed, f.Left
			passages[name] = p
		} else {
			delete(passages, name) // the gate does not count this interface, or its counters cannot be read now
		}
	}
	return passages
}

// seek looks for chains that may drop the lost packets.
func (l *leaving) seek(w *way, now instant.Time) {
	found, err := l.gate.gate.Droppers()
	w.soughtAt = now
	if err != nil {
		return // the previous result stays
	}
	var names []string
	for _, d := range found {
		if d.Behind == (w.Lost() == proof.BehindGate) {
			names = append(names, d.String())
		}
	}
	w.cause = strings.Join(names, "; ")
}

// say reports the state of a way to the router if it has changed. It returns false when
// the router gives no turns any more.
func (l *leaving) say(w *way, now fib.Leaving) bool {
	if now == w.said {
		return true
	}
	w.said = now
	return l.router.LeavingChanged(now)
}

// dropGone removes interfaces that the plane no longer has.
func (l *leaving) dropGone() bool {
	told := make(map[string]bool)
	for _, ifc := range l.interfaces.all() {
		told[ifc.Name] = true
	}
	for name, w := range l.ways {
		if told[name] {
			continue
		}
		delete(l.ways, name)
		if !l.say(w, fib.Leaving{Netdev: name}) {
			return false
		}
	}
	return true
}
