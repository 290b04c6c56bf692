package daemon

import "time"

// leaveLimit bounds how long a daemon that is asked to end waits for its peer to take over.
const leaveLimit = 3 * time.Second

// ending decides when the daemon may end: when it has been told to end and the peer has
// taken over, when leaveLimit has passed, or when the daemon has failed.
type ending struct {
	over    chan struct{} // receives one value when the daemon may end
	by      time.Time     // the latest time to end; zero if the daemon has not been told to end
	expired bool          // the latest time to end has come
	err     error         // the error that ends the daemon
}

func newEnding() ending { return ending{over: make(chan struct{}, 1)} }

// ask starts an orderly end, which waits until the peer has taken over.
func (e *ending) ask(now time.Time) { e.by = now.Add(leaveLimit) }

// fail ends the daemon with an error.
func (e *ending) fail(err error) { e.err = err }

// due returns when expire must be called, or the zero Time if it need not be.
func (e *ending) due() time.Time {
	if e.expired {
		return time.Time{}
	}
	return e.by
}

func (e *ending) expire(time.Time) { e.expired = true }

// check runs after every turn and decides whether the daemon may end. retired says that
// the peer has taken over.
func (e *ending) check(retired bool) {
	asked := !e.by.IsZero()
	if e.err == nil && !(asked && (retired || e.expired)) {
		return
	}
	select {
	case e.over <- struct{}{}:
	default: // the channel has its value already
	}
}
