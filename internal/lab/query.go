package lab

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/links"
)

// queryAwaited waits, on a host, for a query of a device.
type queryAwaited struct {
	from  netip.Addr
	began time.Time
	heard chan error
}

// awaitQuery begins to wait for a query of a device, for at most the time limit.
func (t *topology) awaitQuery(device string, limit time.Duration) (*queryAwaited, error) {
	q := &queryAwaited{began: time.Now(), heard: make(chan error, 1)}
	err := t.inside(device, func(h *links.Handle) error {
		l, err := h.Link(legLink)
		q.from = l.LinkLocal.WithZone("")
		return err
	})
	if err != nil {
		return nil, err
	}
	// A host receives queries without a membership of its own: they are sent to all nodes.
	fd := -1
	err = t.spaces[hostPart(1)].Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("wait for a query: %w", err)
	}
	go func() {
		defer unix.Close(fd)
		q.heard <- q.read(fd, limit)
	}()
	return q, nil
}

// read returns when a query has arrived or the limit is over.
func (q *queryAwaited) read(fd int, limit time.Duration) error {
	const query = 130 // RFC 9777, section 5.1
	b := make([]byte, 256)
	for {
		left := limit - time.Since(q.began)
		if left <= 0 {
			return fmt.Errorf("no query of %v within %v", q.from, limit)
		}
		wait := unix.NsecToTimeval(max(left, time.Millisecond).Nanoseconds())
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
			return err
		}
		n, sender, err := unix.Recvfrom(fd, b, 0)
		if s, ok := sender.(*unix.SockaddrInet6); err == nil && n > 0 && ok && b[0] == query && netip.AddrFrom16(s.Addr) == q.from {
			return nil
		}
	}
}

// wait returns how long it took until the query arrived.
func (q *queryAwaited) wait(ctx context.Context) (time.Duration, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case err := <-q.heard:
		return time.Since(q.began), err
	}
}
