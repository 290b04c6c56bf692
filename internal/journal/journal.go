// Package journal is where the events of a device go: to its log, to the buffer
// that `display logbuffer` shows, into counters; and where its alarms are kept.
//
// Each kind of event has a rate of its own, so that a fault that repeats itself
// a million times costs a line now and then, and none of another kind is lost
// for it.
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

// What each kind of event may come to: so many at once, and then one in so long.
const (
	burst = 20
	pause = time.Second
)

// Journal takes the events of a device. It is safe for concurrent use.
type Journal struct {
	log slog.Handler

	mu     sync.Mutex
	book   *event.Book
	alarms event.Alarms
	limits map[*event.Kind]*limit
	more   chan struct{} // closed and made anew with every entry of the book
}

// limit is what a kind of event has left of its rate.
type limit struct {
	left       int
	filledAt   time.Time
	total      uint64
	suppressed uint64 // since the last one that got through
}

// New returns a journal that logs to h.
func New(h slog.Handler) *Journal {
	return &Journal{log: h, book: event.NewBook(bufferSize), limits: make(map[*event.Kind]*limit), more: make(chan struct{})}
}

// Emit takes an event.
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

// Record writes an event of an audit to the log: whatever the level of the log is
// and however many there are. It is not in the buffer.
func (j *Journal) Record(e event.Event) { j.print(time.Now(), e) }

// write puts an event into the buffer and the log.
func (j *Journal) write(now time.Time, e event.Event) {
	j.book.Note(event.Entry{Event: e, At: now})
	close(j.more)
	j.more = make(chan struct{})
	if j.log.Enabled(context.Background(), level(e.Severity)) {
		j.print(now, e)
	}
}

func (j *Journal) print(now time.Time, e event.Event) {
	_ = j.log.Handle(context.Background(), record(now, e)) // there is no better place to say that the log is full
}

// Flush waits until what has been told is in the log, but not for ever.
func (j *Journal) Flush() {
	if a, ok := j.log.(*aside); ok {
		a.flush()
	}
}

// record is an event as the standard library's logs have it.
func record(at time.Time, e event.Event) slog.Record {
	r := slog.NewRecord(at, level(e.Severity), e.Name, 0)
	r.AddAttrs(slog.String(moduleKey, e.Module))
	for i := range e.Fields {
		r.AddAttrs(slog.String(e.Field(i)))
	}
	return r
}

// moduleKey is the attribute that tells the part of the device an event is from.
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

// Update takes the alarms that hold.
func (j *Journal) Update(conditions []event.Condition) {
	now := time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.alarms.Update(now, conditions) {
		j.emit(now, e)
	}
}

// Alarms lists the alarms that hold.
func (j *Journal) Alarms() []event.Alarm {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.alarms.Active()
}

// Book copies the buffer.
func (j *Journal) Book() event.Book {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.book.Copy()
}

// Follow waits for entries after the one of a number and returns those that are still in the buffer, oldest first. Its error is why ctx ended.
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

// Counts tells how many events of each kind there were, those left out of the log too.
func (j *Journal) Counts() map[*event.Kind]uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	counts := make(map[*event.Kind]uint64, len(j.limits))
	for k, l := range j.limits {
		counts[k] = l.total
	}
	return counts
}

// Logger turns what the standard library's servers log into events of a kind
// with one field.
func (j *Journal) Logger(k *event.Kind) *log.Logger { return log.New(lines{j, k}, "", 0) }

type lines struct {
	j *Journal
	k *event.Kind
}

func (l lines) Write(b []byte) (int, error) {
	l.j.Emit(l.k.With(strings.TrimSpace(string(b))))
	return len(b), nil
}
