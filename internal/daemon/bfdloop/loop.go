package bfdloop

import (
	"errors"
	"time"

	"tandem/internal/bfd"
)

// Event is a change of state of a session.
type Event = bfd.Event

// ErrClosed is returned by calls after Close.
var ErrClosed = errors.New("bfd loop is closed")

// Options are set once, at Start.
type Options struct {
	// Origin is the time that every reading handed out is counted from; it must have
	// a monotonic reading. The zero value takes the time of Start.
	Origin time.Time
	// Seed makes the jitter; zero takes a random one.
	Seed uint64
	// OnThread, when not nil, is run on the loop's own thread before it opens
	// anything: a way into another network namespace.
	OnThread func() error
}

// Status is what the loop says of itself.
type Status struct {
	// RealTime is whether the thread has a real-time priority; RealTimeError says why not.
	RealTime      bool
	RealTimeError error
	// MaxLate is the longest that a packet or an expiry was dealt with after its time.
	MaxLate time.Duration
	// Wakeups counts returns from ppoll, SendErrors packets that the kernel refused,
	// LastSendError the latest reason.
	Wakeups, SendErrors uint64
	LastSendError       error
	// Coalesced counts events that a newer one of the same session replaced because
	// nobody had read them.
	Coalesced uint64
	Counters  bfd.Counters
}

// Loop is a running loop. Its methods may be called from any goroutine.
type Loop struct{}

func Start(o Options) (*Loop, error)                    { return nil, nil }
func (l *Loop) Configure(cfgs []bfd.Config) error       { return nil }
func (l *Loop) SetLink(name string, index int, up bool) {}
func (l *Loop) Events() <-chan Event                    { return nil }
func (l *Loop) Snapshot() []bfd.SessionState            { return nil }
func (l *Loop) Status() Status                          { return Status{} }
func (l *Loop) Close() error                            { return nil }
func RecommendedProcs(cpus int) int                     { return 0 }
