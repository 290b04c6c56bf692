// Package eventloop lets one goroutine at a time have the device and what belongs to
// it, and sees to it that something is done when it is due.
//
// It is an event loop without a goroutine of its own. Whoever has read something takes
// a turn of the loop: it has everything to itself, tells the device what it has read,
// and carries out what comes of it. To wake another goroutine for that would take
// longer than most of what there is to do. A turn is, as in other event loops, one
// function that runs to its end, and what follows from it:
//
//	the function · Options.Settle · what is due, and Settle again · Next, and Settle again
//
// A timer takes a turn when something is due and nobody else has come before.
package eventloop

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrEnded is what a turn gets that comes after the last one.
var ErrEnded = errors.New("the daemon is stopping")

// Timed is work that is due at certain times. Both functions are called within a turn.
type Timed struct {
	// Due returns when Do is to be called next, the zero Time for not at all. It is asked
	// in every turn, so it must be cheap.
	Due func() time.Time
	// Do does what is due at now. Afterwards Due must return a later time.
	Do func(now time.Time)
}

// Every returns work that is done at even intervals, for the first time after one from now.
func Every(interval time.Duration, do func()) Timed {
	at := time.Now().Add(interval)
	return Timed{
		Due: func() time.Time { return at },
		Do: func(now time.Time) {
			at = now.Add(interval)
			do()
		},
	}
}

// Options are set once, at New.
type Options struct {
	// Settle carries out what the function of a turn has brought about.
	Settle func()
	// Timed is asked, and done, in this order.
	Timed []Timed
	// Interval is the longest time between two turns; it must be above 0.
	Interval time.Duration
}

// Loop is an event loop. Turn and Call may be called from any goroutine that does not
// have the turn, Next and Drain from the one that has.
type Loop struct {
	o Options

	mu       sync.Mutex // of who has the turn; New's until Begin
	ended    bool       // there is no turn any more
	draining bool       // Call is refused
	next     []func()
	// timer goes off when something is due or before that, at armed; zero when it has.
	timer *time.Timer
	armed time.Time
}

// New makes a loop of which the caller has the turn until Begin.
func New(o Options) *Loop {
	l := &Loop{o: o, timer: time.NewTimer(o.Interval)}
	l.mu.Lock()
	return l
}

// Begin runs the first turn. An error of f ends the loop.
func (l *Loop) Begin(f func() error) error {
	defer l.mu.Unlock()
	if err := f(); err != nil {
		l.ended = true
		return err
	}
	l.settle()
	return nil
}

// Run takes turns when something is due, until ctx or the loop ends.
func (l *Loop) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.timer.C:
			if l.Turn(l.fired) != nil {
				return nil
			}
		}
	}
}

// fired takes note that the timer has to be set again.
func (l *Loop) fired() { l.armed = time.Time{} }

// Turn runs f, what follows from it, and what else is due. It returns ErrEnded, and does
// not run f, when there are no turns any more.
func (l *Loop) Turn(f func()) error { return l.turn(f, false) }

// Call is a turn of somebody who asks for something, not of what happens. It returns
// ErrEnded, and does not run f, after Drain already.
func (l *Loop) Call(f func()) error { return l.turn(f, true) }

func (l *Loop) turn(f func(), asked bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || asked && l.draining {
		return ErrEnded
	}
	f()
	l.settle()
	return nil
}

// Next has f run when what follows from the turn has been carried out, as if in a turn
// of its own: for news that come up while effects are carried out.
func (l *Loop) Next(f func()) { l.next = append(l.next, f) }

// Drain refuses what is asked for from now on. What happens is still handled, so that
// nothing is lost of what has been read.
func (l *Loop) Drain() { l.draining = true }

// End waits for the turn under way and lets there be no other one. Afterwards the caller
// has to itself what the turns guarded.
func (l *Loop) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}

// settle ends a turn. Mostly nothing more is to do: then the clock is read once, and what
// is due is looked at once.
func (l *Loop) settle() {
	l.o.Settle() // a join waits for nothing else that is due
	now := time.Now()
	at := l.nextDue(now)
	if !now.Before(at) || len(l.next) > 0 {
		l.catchUp(now)
		now = time.Now()
		at = l.nextDue(now)
	}
	l.arm(now, at)
}

// catchUp does what is due, then what Next was told.
func (l *Loop) catchUp(now time.Time) {
	done := false
	for i := range l.o.Timed {
		t := &l.o.Timed[i]
		if at := t.Due(); !at.IsZero() && !now.Before(at) {
			t.Do(now)
			done = true
		}
	}
	if done {
		l.o.Settle()
	}
	for len(l.next) > 0 {
		f := l.next[0]
		l.next = l.next[1:]
		f()
		l.o.Settle()
	}
	l.next = nil
}

// nextDue is when there has to be a turn at the latest.
func (l *Loop) nextDue(now time.Time) time.Time {
	at := now.Add(l.o.Interval)
	for i := range l.o.Timed {
		if due := l.o.Timed[i].Due(); !due.IsZero() && due.Before(at) {
			at = due
		}
	}
	return at
}

// arm sees to it that there is a turn at a time. A timer that goes off before is left
// alone: to set it costs more than to look in vain.
func (l *Loop) arm(now, at time.Time) {
	if l.armed.IsZero() || at.Before(l.armed) {
		l.timer.Reset(at.Sub(now))
		l.armed = at
	}
}
