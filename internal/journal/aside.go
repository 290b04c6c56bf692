package journal

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"tandem/internal/event"
)

const (
	// linesWaiting is how many lines may wait for a slow log.
	linesWaiting = 1024
	// flushLimit is how long the end of the program waits for these lines.
	flushLimit = time.Second
)

// aside is a handler that never blocks its caller: a log that does not accept lines, such
// as a pipe without a reader, must not stop a router. Lines without room are counted, and
// their number is logged when there is room again.
type aside struct {
	slog.Handler
	lines chan line
	lost  atomic.Uint64
}

// line is a record, or a request to signal that all records before it are written.
type line struct {
	slog.Record
	flushed chan<- struct{}
}

func newAside(h slog.Handler) *aside {
	a := &aside{Handler: h, lines: make(chan line, linesWaiting)}
	go a.write()
	return a
}

// Handle implements [slog.Handler].
func (a *aside) Handle(_ context.Context, r slog.Record) error {
	select {
	case a.lines <- line{Record: r}:
	default:
		a.lost.Add(1)
	}
	return nil
}

func (a *aside) write() {
	for l := range a.lines {
		if l.flushed != nil {
			close(l.flushed)
			continue
		}
		if n := a.lost.Swap(0); n > 0 {
			r := record(l.Time, event.Repeated.With("LOG", n))
			_ = a.Handler.Handle(context.Background(), r)
		}
		_ = a.Handler.Handle(context.Background(), l.Record) // if the log fails, there is no other place to report this
	}
}

// flush waits until all records so far are written, at most for flushLimit.
func (a *aside) flush() {
	flushed := make(chan struct{})
	limit := time.After(flushLimit)
	select {
	case a.lines <- line{flushed: flushed}:
	case <-limit:
		return
	}
	select {
	case <-flushed:
	case <-limit:
	}
}
