// Package journal distributes the events of a device: to its log, to the buffer for
// `display logbuffer`, and into counters. It also keeps the alarms.
//
// Each kind of event has a rate limit of its own. So a fault that repeats a million times
// causes a line only now and then, and no events of other kinds are lost.
package journal

import (
	"context"
	"log"
	"log/slog"
	"strings"
	"sync"
	"time"

	"tandem/internal/event"
)

// bufferSize is how many events the buffer holds.
const bufferSize = 512

// The rate limit of each kind of event: a number of events at once, and after that one in
// each interval.
const (
	burst = 20
	pause = time.Second
)

// Journal receives the events of a device. It is safe for concurrent use.
type Journal struct {
	log slog.Handler

	mu     sync.Mutex
	book   *event.Book
	alarms event.Alarms
	limits map[*event.Kind]*limit
	more   chan struct{} // closed, and replaced by a new channel, with every new entry of the book
}

// limit is the state of the rate limit of one kind of event.
type limit struct {
	left       int
	filledAt   time.Time
	total      uint64
	suppressed uint64 // events suppressed since the last one that was logged
}

// New returns a journal that logs to h.
func New(h slog.Handler) *Journal {
	return &Journal{log: h, book: event.NewBook(bufferSize), limits: make(map[*event.Kind]*limit), more: make(chan struct{})}
}

// Emit records an event, within the rate limit of its kind.
func (j *Journal) Emit(e event.Event) {
	now := time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.emit(now, e)
}

func (j *Journal) emit(now time.Time, e event.Event) {
	l := j.limits[e.Kind]
	if l == nil {
		l = &limit{left: burst, filledAt: now}
		j.limits[e.Kind] = l
	}
	l.total++
	if !l.allow(now) {
		l.suppressed++
		j.book.Suppressed++
		return
	}
	if n := l.suppressed; n > 0 {
		l.suppressed = 0
		j.write(now, event.Repeated.With(e.Name, n))
	}
	j.write(now, e)
}

func (l *limit) allow(now time.Time) bool {
	if n := int(now.Sub(l.filledAt) / pause); n > 0 {
		l.left, l.filledAt = min(l.left+n, burst), now
	}
	if l.left == 0 {
		return false
	}
	l.left--
	return true
}

// Record writes an audit event to the log, whatever the level of the log and the rate. It
// does not go into the buffer.
func (j *Journal) Record(e event.Event) { j.print(time.Now(), e) }

// write adds an event to the buffer and to the log.
func (j *Journal) write(now time.Time, e event.Event) {
	j.book.Note(event.Entry{Event: e, At: now})
	close(j.more)
	j.more = make(chan struct{})
	if j.log.Enabled(context.Background(), level(e.Severity)) {
		j.print(now, e)
	}
}

func (j *Journal) print(now time.Time, e event.Event) {
	_ = j.log.Handle(context.Background(), record(now, e)) // if the log fails, there is no other place to report this
}

// Flush waits until all events so far are in the log, at most for a second.
func (j *Journal) Flush() {
	if a, ok := j.log.(*aside); ok {
		a.flush()
	}
}

// record converts an event into a record of the standard library's log.
func record(at time.Time, e event.Event) slog.Record {
	r := slog.NewRecord(at, level(e.Severity), e.Name, 0)
	r.AddAttrs(slog.String(moduleKey, e.Module))
	for i := range e.Fields {
		r.AddAttrs(slog.String(e.Field(i)))
	}
	return r
}

// moduleKey is the attribute that names the part of the device from which an event comes.
const moduleKey = "module"

func level(s event.Severity) slog.Level {
	switch {
	case s <= event.Error:
		return slog.LevelError
	case s == event.Warning:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// Update sets the alarm conditions that hold now.
func (j *Journal) Update(conditions []event.Condition) {
	now := time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.alarms.Update(now, conditions) {
		j.emit(now, e)
	}
}

// Alarms lists the active alarms.
func (j *Journal) Alarms() []event.Alarm {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.alarms.Active()
}

// Book returns a copy of the buffer.
func (j *Journal) Book() event.Book {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.book.Copy()
}

// Follow waits for entries with numbers above after, and returns those that are still in
// the buffer, oldest first. Its error is why ctx ended.
func (j *Journal) Follow(ctx context.Context, after uint64) ([]event.Entry, error) {
	for {
		j.mu.Lock()
		found, more := j.book.After(after), j.more
		j.mu.Unlock()
		if len(found) > 0 {
			return found, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Reset empties the buffer.
func (j *Journal) Reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.book.Reset()
}

// Counts returns the number of events of each kind, including those that the rate limit
// kept out of the log.
func (j *Journal) Counts() map[*event.Kind]uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	counts := make(map[*event.Kind]uint64, len(j.limits))
	for k, l := range j.limits {
		counts[k] = l.total
	}
	return counts
}

// Logger returns a logger for the standard library's servers. Each of its lines becomes
// an event of a kind with one field.
func (j *Journal) Logger(k *event.Kind) *log.Logger { return log.New(lines{j, k}, "", 0) }

type lines struct {
	j *Journal
	k *event.Kind
}

func (l lines) Write(b []byte) (int, error) {
	l.j.Emit(l.k.With(strings.TrimSpace(string(b))))
	return len(b), nil
}
