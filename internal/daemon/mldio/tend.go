package mldio

import (
	"context"
	"errors"
	"net"
	"time"

	"tandem/internal/event"
)

// lookEvery is how often Tend looks, if no interface changes.
const lookEvery = time.Second

// Tend restores what the kernel drops of the socket's memberships, at once when an interface
// has changed, until ctx ends or the socket is closed. Nothing that is heard depends on
// them; switches do that look who listens.
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
		if restored > 0 { // an error is one of the list, which is asked for again soon
			s.router.Emit(event.MembershipsRestored.With(restored))
		}
	}
}

// lookNow has Tend look at once.
func (s *Socket) lookNow() {
	select {
	case s.look <- struct{}{}:
	default: // it will
	}
}
