package daemon

import (
	"errors"
	"sync"
	"time"

	"tandem/internal/device"
)

// turns let one goroutine at a time have the device and what belongs to it. Who has
// read something takes the turn itself and carries out what comes of it: to wake
// another goroutine for that takes longer than most of what there is to do.
type turns struct {
	mu    sync.Mutex // of who has the turn; New's until Run lets others have it
	ended bool       // there is no turn any more
	over  chan struct{}
	// timer goes off when something is due or before that, at armed; zero when it has.
	timer *time.Timer
	armed time.Time
	// leaveBy is when a daemon that is to end does at the latest, zero for one that is not.
	leaveBy time.Time
	leaving bool // to another daemon, see HandOver
}

func newTurns() *turns {
	t := &turns{over: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	t.mu.Lock()
	return t
}

// errStopped is what a call gets that comes after the last turn.
var errStopped = errors.New("the daemon is stopping")

// turn runs f, then does what comes of it and what else is due.
func (d *Daemon) turn(f func()) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return errStopped
	}
	f()
	d.settle()
	return nil
}

// call is a turn of somebody who asks for something, not of what happens.
func (d *Daemon) call(f func()) (err error) {
	refused := d.turn(func() {
		if d.leaving {
			err = errStopped
			return
		}
		f()
	})
	return errors.Join(refused, err)
}

// post tells the device of an event. It reports false when there are no turns any more.
func (d *Daemon) post(ev device.Event) bool {
	return d.turn(func() { d.device.Handle(d.now(), ev) }) == nil
}

// settle ends a turn.
func (d *Daemon) settle() {
	d.bfd.Beat()
	d.execute() // a join waits for nothing else that is due
	if now := time.Now(); d.catchUp(now) {
		d.execute()
	}
	if d.failed != nil || !d.leaveBy.IsZero() && (d.device.Retired() || time.Now().After(d.leaveBy)) {
		select {
		case d.over <- struct{}{}:
		default: // was told before
		}
	}
	d.arm(time.Now())
}

// catchUp does what is due and reports whether anything was.
func (d *Daemon) catchUp(now time.Time) (any bool) {
	if at, ok := d.device.Deadline(); ok && at <= now.Sub(d.origin) {
		d.device.Advance(now.Sub(d.origin))
		any = true
	}
	if at := d.trunks.lookAt; !at.IsZero() && now.After(at) {
		d.lookAtLACP()
		any = true
	}
	if now.After(d.repairAt) {
		d.repair()
		any = true
	}
	if now.After(d.alarmsAt) {
		d.refreshAlarms()
	}
	return any
}

// arm sees to it that there is a turn when something is due. A timer that goes off
// before is left alone: to set it costs more than to look in vain.
func (d *Daemon) arm(now time.Time) {
	at := d.nextTurn(now)
	if d.armed.IsZero() || at.Before(d.armed) {
		d.timer.Reset(at.Sub(now))
		d.armed = at
	}
}

// timerFired takes note that the timer has to be set again.
func (d *Daemon) timerFired() { d.armed = time.Time{} }

// nextTurn is when something will be due.
func (d *Daemon) nextTurn(now time.Time) time.Time {
	next := now.Add(beatInterval)
	sooner := func(at time.Time) {
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	sooner(d.repairAt)
	sooner(d.trunks.lookAt)
	sooner(d.leaveBy)
	if at, ok := d.device.Deadline(); ok {
		sooner(d.origin.Add(at))
	}
	return next
}
