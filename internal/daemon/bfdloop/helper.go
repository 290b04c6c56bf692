package bfdloop

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/instant"
	"tandem/internal/task"
)

// errHelperAway is returned while a helper that has ended is being replaced.
var errHelperAway = errors.New("bfd helper has ended and is being started again")

const (
	helperRestart = 100 * time.Millisecond // pause before a helper is replaced
	helperGrace   = time.Second            // how long a helper may take to end after Close
)

// helper is a loop in another process. If that process ends unexpectedly, its sessions are
// reported as Down, and another process is started with the same configuration.
type helper struct {
	o        Options
	ready    chan struct{} // closed when the first helper runs
	out      chan Event
	incoming chan Event    // events on their way to pump
	stopped  chan struct{} // closed when the last process has ended

	mu      sync.Mutex
	conn    net.Conn // nil while there is no helper
	enc     *gob.Encoder
	process *os.Process
	waiting map[uint64]chan<- *reply
	lastID  uint64
	cfgs    []bfd.Config
	links   map[string]linkState
	closed  bool
	handed  bool // the helper was handed over to another process: the connection is closed, but the helper goes on
	starts  uint64

	alive map[string]bool // sessions last reported as Init or Up; only Run uses it
}

func startHelper(o Options, tasks *task.Group) (*helper, error) {
	h := &helper{
		o:        o,
		ready:    make(chan struct{}),
		out:      make(chan Event, eventQueue),
		incoming: make(chan Event),
		stopped:  make(chan struct{}),
		waiting:  make(map[uint64]chan<- *reply),
		links:    make(map[string]linkState),
		alive:    make(map[string]bool),
	}
	if err := tasks.Start("BFD helper", h); err != nil {
		return nil, fmt.Errorf("bfd helper: %w", err)
	}
	tasks.Go("BFD event queue", func(context.Context) error { h.pump(); return nil })
	return h, nil
}

// Ready implements [task.Task].
func (h *helper) Ready() <-chan struct{} { return h.ready }

// Run keeps a helper running until close, and starts a new one when one has ended. Run stays on
// its thread, because a new process gets the network namespace of the thread that starts it.
func (h *helper) Run(context.Context) error {
	runtime.LockOSThread()
	if h.o.OnThread != nil {
		if err := h.o.OnThread(); err != nil {
			return err
		}
	}
	dec, process, err := h.begin()
	if err != nil {
		return err
	}
	close(h.ready)
	for {
		if err == nil {
			h.read(dec)
			h.bury(process)
		}
		if h.isClosed() {
			break
		}
		time.Sleep(helperRestart)
		dec, process, err = h.launch()
	}
	close(h.incoming)
	close(h.stopped)
	return nil
}

// read handles the messages of the helper until it ends.
func (h *helper) read(dec *gob.Decoder) {
	for {
		var r reply
		if dec.Decode(&r) != nil {
			return
		}
		if r.Event != nil {
			h.alive[r.Event.Session] = r.Event.State == bfd.Init || r.Event.State == bfd.Up
			h.incoming <- *r.Event
			continue
		}
		h.mu.Lock()
		if c, ok := h.waiting[r.ID]; ok {
			delete(h.waiting, r.ID)
			c <- &r
		}
		handed := h.handed
		h.mu.Unlock()
		if handed && r.ID == h.lastID {
			return
		}
	}
}

// bury waits for the process of a helper that has ended, answers the requests that wait for it
// with an error, and reports its sessions as Down.
func (h *helper) bury(process *os.Process) {
	h.mu.Lock()
	if h.handed {
		h.mu.Unlock()
		return
	}
	_ = h.conn.Close()
	h.conn, h.enc, h.process = nil, nil, nil
	for id, c := range h.waiting {
		delete(h.waiting, id)
		close(c)
	}
	closed := h.closed
	h.mu.Unlock()
	_ = process.Kill()    // the helper may have closed its socket and still hang
	_, _ = process.Wait() // fails if another process has started the helper
	if closed {
		return
	}
	for session, alive := range h.alive {
		if alive {
			h.incoming <- Event{Session: session, State: bfd.Down, Remote: bfd.Down,
				Diagnostic: bfd.DiagForwardingPlaneReset, At: instant.FromOrigin(time.Since(h.o.Origin))}
		}
		delete(h.alive, session)
	}
}

// pump passes events to the reader of Events. It is a goroutine of its own, so that a
// slow reader does not delay the helper's replies.
func (h *helper) pump() {
	defer close(h.out)
	var waiting backlog
	for {
		var out chan<- Event
		var next Event
		if len(waiting.events) > 0 {
			out, next = h.out, waiting.events[0]
		}
		select {
		case e, ok := <-h.incoming:
			if !ok {
				return
			}
			waiting.put(e)
			waiting.deliver(h.out)
		case out <- next:
			waiting.pop()
		}
	}
}

func (h *helper) close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return ErrClosed
	}
	h.closed = true
	if h.enc != nil {
		_ = h.enc.Encode(&request{Kind: askClose})
	}
	h.mu.Unlock()
	select {
	case <-h.stopped:
	case <-time.After(helperGrace):
		h.mu.Lock()
		if h.process != nil {
			_ = h.process.Kill()
		}
		h.mu.Unlock()
		<-h.stopped
	}
	return nil
}

func (h *helper) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}
