package mldio

import (
	"context"
	"errors"
	"net"
	"time"

	"tandem/internal/event"
)

// lookEvery is the time between two checks by Tend when no interface changes.
const lookEvery = time.Second

// Tend restores memberships that the kernel has dropped from the socket, until ctx ends or the
// socket is closed. It checks at once when an interface has changed. The socket receives
// without memberships; they are for switches with MLD snooping.
func (s *Socket) Tend(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-s.look:
		}
		restored, err := s.conn.Restore()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if restored > 0 { // an error concerns the list of memberships, which is read again soon
			s.router.Emit(event.MembershipsRestored.With(restored))
		}
	}
}

// lookNow makes Tend check at once.
func (s *Socket) lookNow() {
	select {
	case s.look <- struct{}{}:
	default: // a check is already requested
	}
}
