package journal

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"tandem/internal/event"
)

const (
	// linesWaiting is how many lines wait for a log that is slow.
	linesWaiting = 1024
	// flushLimit is how long the end of the program waits for them.
	flushLimit = time.Second
)

// aside is a handler that never holds up whoever logs: a log that stands still, such
// as a pipe that nobody reads, must not stop a router. What it has no room for is
// counted, and told once there is room again.
type aside struct {
	slog.Handler
	lines chan line
	lost  atomic.Uint64
}

// line is a record, or asks to be told that all before it is written.
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
		_ = a.Handler.Handle(context.Background(), l.Record) // there is no better place to say that the log is full
	}
}

// flush waits until what has been logged is written, but not for ever.
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
