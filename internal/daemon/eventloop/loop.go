// Package eventloop serialises access to the device and to the state of its owners, and
// runs work at its time.
//
// It is an event loop without a goroutine of its own. A goroutine that has read a message
// takes a turn of the loop. During the turn no other goroutine can use the device: this
// goroutine passes the message to the device and carries out the effects. Waking another
// goroutine for that would take longer than most of the work. A turn runs these steps in
// order:
//
//	the function · Options.Settle · what is due, and Settle again · Next, and Settle again
//
// If work is due and nobody takes a turn, a timer takes one.
package eventloop

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrEnded is returned to a caller that wants a turn after the loop has ended.
var ErrEnded = errors.New("the daemon is stopping")

// Timed is work that is due at certain times. Both functions run within a turn.
type Timed struct {
	// Due returns when Do must be called next, or the zero Time if it need not be called. Every
	// turn calls Due, so it must be cheap.
	Due func() time.Time
	// Do does the work that is due at now. After it Due must return a later time.
	Do func(now time.Time)
}

// Every returns work that is done at regular intervals. It is done for the first time
// after one interval.
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

// Options are the settings of a loop. They are set at New.
type Options struct {
	// Settle carries out the effects of the function that ran in a turn.
	Settle func()
	// Timed are called in this order.
	Timed []Timed
	// Interval is the longest time between two turns. It must be above 0.
	Interval time.Duration
}

// Loop is an event loop. Turn and Call may be called from a goroutine that does not have the
// turn, Next and Drain from the goroutine that has it.
type Loop struct {
	o Options

	mu       sync.Mutex // held by the goroutine that has the turn; until Begin, by the caller of New
	ended    bool       // no more turns are given
	draining bool       // Call returns ErrEnded
	next     []func()
	// timer fires at armed, at the time of the next work or earlier. armed is zero after
	// the timer has fired.
	timer *time.Timer
	armed time.Time
}

// New returns a loop. The caller has the turn until Begin.
func New(o Options) *Loop {
	l := &Loop{o: o, timer: time.NewTimer(o.Interval)}
	l.mu.Lock()
	return l
}

// Begin runs f as the first turn. If f returns an error, the loop ends.
func (l *Loop) Begin(f func() error) error {
	defer l.mu.Unlock()
	if err := f(); err != nil {
		l.ended = true
		return err
	}
	l.settle()
	return nil
}

// Run takes a turn whenever work is due. It returns when ctx or the loop ends.
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

// fired records that the timer must be set again.
func (l *Loop) fired() { l.armed = time.Time{} }

// Turn runs f in a turn, with the steps that follow it. If the loop has ended, it does not run
// f and returns ErrEnded.
func (l *Loop) Turn(f func()) error { return l.turn(f, false) }

// Call is Turn for a request of a person or program. Turn is for received messages and
// other news. Call returns ErrEnded without running f as soon as Drain was called.
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

// Next runs f after the effects of the current turn have been carried out, as if in a
// turn of its own. It is for events that arise while the effects are carried out.
func (l *Loop) Next(f func()) { l.next = append(l.next, f) }

// Drain makes the loop refuse requests (Call). It still accepts news (Turn), so that no
// received message is lost.
func (l *Loop) Drain() { l.draining = true }

// End waits for the turn under way and prevents further turns. Then the caller alone may use
// the state that the turns protected.
func (l *Loop) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}

// settle ends a turn. Usually no more work is due; then it reads the clock only once and
// calls each Due only once.
func (l *Loop) settle() {
	l.o.Settle() // first, so that a join does not wait for other work that is due
	now := time.Now()
	at := l.nextDue(now)
	if !now.Before(at) || len(l.next) > 0 {
		l.catchUp(now)
		now = time.Now()
		at = l.nextDue(now)
	}
	l.arm(now, at)
}

// catchUp does the work that is due, then runs the functions given to Next.
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

// nextDue returns the latest time for the next turn.
func (l *Loop) nextDue(now time.Time) time.Time {
	at := now.Add(l.o.Interval)
	for i := range l.o.Timed {
		if due := l.o.Timed[i].Due(); !due.IsZero() && due.Before(at) {
			at = due
		}
	}
	return at
}

// arm makes sure that a turn is taken at a time. It leaves a timer that fires earlier, because
// setting a timer costs more than a turn without work.
func (l *Loop) arm(now, at time.Time) {
	if l.armed.IsZero() || at.Before(l.armed) {
		l.timer.Reset(at.Sub(now))
		l.armed = at
	}
}
