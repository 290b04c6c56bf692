package daemon

import (
	"context"
	"time"

	"tandem/internal/daemon/eventloop"
	"tandem/internal/device"
)

// StallLimit is how long no turn may end until the daemon's BFD sessions go down, so
// that the peer takes over from a process that was stopped or hangs. The kernel
// forwards meanwhile what was set, so it need not be short; it must be longer than the
// longest turn.
const StallLimit = 3 * time.Second

// beatInterval is how often an idle daemon takes a turn, which says that it is alive.
const beatInterval = StallLimit / 6

// WhileAlive calls f now and then, as long as turns can be taken, until ctx ends.
func (d *Daemon) WhileAlive(ctx context.Context, every time.Duration, f func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for d.call(f) == nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// newLoop makes the event loop, with what is due at times in the order in which it is done.
func (d *Daemon) newLoop() *eventloop.Loop {
	return eventloop.New(eventloop.Options{
		Settle:   d.settle,
		Interval: beatInterval,
		Timed: []eventloop.Timed{
			{Due: d.deadline, Do: d.advance},
			{Due: d.netif.Due, Do: d.advanceLinks},
			eventloop.Every(alarmInterval, d.refreshAlarms),
			{Due: d.retirement.due, Do: d.retirement.expire},
		},
	})
}

// settle carries out what a turn has brought about.
func (d *Daemon) settle() {
	d.bfd.Beat()
	d.execute()
	if d.failed != nil || d.retirement.complete(d.device.Retired()) {
		select {
		case d.over <- struct{}{}:
		default: // was told before
		}
	}
}

// call is a turn of somebody who asks for something, see [eventloop.Loop.Call].
func (d *Daemon) call(f func()) error { return d.loop.Call(f) }

// turn is a turn of whoever has read something, see [eventloop.Loop.Turn].
func (d *Daemon) turn(f func()) error { return d.loop.Turn(f) }

// post tells the device of an event. It reports false when there are no turns any more.
func (d *Daemon) post(ev device.Event) bool {
	return d.turn(func() { d.device.Handle(d.now(), ev) }) == nil
}

// deadline is when the device has something to do, the zero Time when it has not.
func (d *Daemon) deadline() time.Time {
	if at, ok := d.device.Deadline(); ok {
		return d.origin.Add(at)
	}
	return time.Time{}
}

func (d *Daemon) advance(now time.Time) { d.device.Advance(now.Sub(d.origin)) }

// retirement is the end that a daemon was asked for: it waits for the peer to take over,
// for a bounded time.
type retirement struct {
	by      time.Time // at the latest; zero when it was not asked to end
	expired bool
}

// leaveLimit bounds how long a daemon that is asked to end waits for its peer to
// take over.
const leaveLimit = 3 * time.Second

func (r *retirement) begin(now time.Time) { r.by = now.Add(leaveLimit) }

func (r *retirement) due() time.Time {
	if r.expired {
		return time.Time{}
	}
	return r.by
}

func (r *retirement) expire(time.Time) { r.expired = true }

// complete reports whether the daemon can end; retired says that the peer has taken over.
func (r *retirement) complete(retired bool) bool {
	return !r.by.IsZero() && (retired || r.expired)
}
