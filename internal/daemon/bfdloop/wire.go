package bfdloop

import (
	"errors"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/bfd"
	"tandem/internal/linux/udp"
)

// A process and its helper are the same program, so they exchange gob messages over a socket
// pair: first one hello, then requests in one direction, replies and events in the other.

type hello struct {
	Origin time.Duration // Options.Origin, converted to CLOCK_MONOTONIC
	Seed   uint64
	// StallLimit is Options.StallLimit.
	StallLimit time.Duration
	// Adopt says that the helper served another process before.
	Adopt bool
}

type requestKind uint8

const (
	askConfigure requestKind = iota
	askLink
	askSnapshot
	askStatus
	askBeat
	askClose
	askHandOver
)

type request struct {
	ID      uint64 // zero if the parent does not wait for the reply
	Kind    requestKind
	Configs []bfd.Config
	Link    linkState
	Grace   time.Duration // for askHandOver
}

type linkState struct {
	Name  string
	Index int
	Up    bool
}

// reply answers the request with its ID, or carries an event. The first reply has neither and
// says that the loop runs.
type reply struct {
	ID     uint64
	Event  *Event
	Err    *wireError
	States []bfd.SessionState
	Status Status
	PID    int // process ID of the helper, in the first reply
}

// wireError carries an error whose type the caller needs.
type wireError struct {
	Config *bfd.ConfigError
	Step   string // the step of a udp.OpenError
	Local  netip.AddrPort
	Errno  unix.Errno
	Text   string // the text of any other error
}

func toWire(err error) *wireError {
	var config *bfd.ConfigError
	var open *udp.OpenError
	var errno unix.Errno
	switch {
	case err == nil:
		return nil
	case errors.As(err, &config):
		return &wireError{Config: config}
	case errors.As(err, &open) && errors.As(open.Err, &errno):
		return &wireError{Step: open.Step, Local: open.Local, Errno: errno}
	default:
		return &wireError{Text: err.Error()}
	}
}

func (w *wireError) error() error {
	switch {
	case w == nil:
		return nil
	case w.Config != nil:
		return w.Config
	case w.Errno != 0:
		return &udp.OpenError{Step: w.Step, Local: w.Local, Err: w.Errno}
	default:
		return errors.New(w.Text)
	}
}
