package daemon

import "time"

// leaveLimit bounds how long a daemon that is asked to end waits for its peer to take over.
const leaveLimit = 3 * time.Second

// ending is when the daemon may end: when it was asked to and the peer has taken over, or
// has had the time to, or when it has failed.
type ending struct {
	over    chan struct{} // has one as soon as it may
	by      time.Time     // at the latest; zero while it was not asked to end
	expired bool          // that time has come
	err     error         // what has failed
}

func newEnding() ending { return ending{over: make(chan struct{}, 1)} }

// ask begins the end that waits for the peer.
func (e *ending) ask(now time.Time) { e.by = now.Add(leaveLimit) }

// fail ends the daemon with an error.
func (e *ending) fail(err error) { e.err = err }

// due is when expire is to be called, the zero Time when it is not.
func (e *ending) due() time.Time {
	if e.expired {
		return time.Time{}
	}
	return e.by
}

func (e *ending) expire(time.Time) { e.expired = true }

// check looks, after every turn, whether the daemon may end. Retired says that the peer
// has taken over.
func (e *ending) check(retired bool) {
	asked := !e.by.IsZero()
	if e.err == nil && !(asked && (retired || e.expired)) {
		return
	}
	select {
	case e.over <- struct{}{}:
	default: // has one already
	}
}
