package manage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"

	"tandem/internal/event"
	"tandem/internal/journal"
	"tandem/internal/task"
)

// lookInterval is the time between two checks that the socket still exists.
const lookInterval = time.Second

// Socket is a console socket that is made again when another program has removed it,
// alone or with its directory. It is safe for concurrent use.
type Socket struct {
	path, group string

	mu       sync.Mutex
	listener *net.UnixListener
	closed   bool
}

// NewSocket makes the socket, see [Listen], or takes over the one that a predecessor has
// handed over.
func NewSocket(path, group string, inherited *os.File) (*Socket, error) {
	var l net.Listener
	var err error
	if inherited != nil {
		l, err = Inherit(inherited)
	} else {
		l, err = Listen(path, group)
	}
	if err != nil {
		return nil, err
	}
	u, ok := l.(*net.UnixListener)
	if !ok {
		l.Close()
		return nil, fmt.Errorf("console socket: %v is no local socket", l.Addr())
	}
	return &Socket{path: path, group: group, listener: u}, nil
}

func (s *Socket) current() *net.UnixListener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listener
}

// Accept implements [net.Listener].
func (s *Socket) Accept() (net.Conn, error) {
	for {
		l := s.current()
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) && s.current() != l {
			continue // Remake has made the socket again
		}
		return c, err
	}
}

// Close implements [net.Listener]. The socket is removed.
func (s *Socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.listener.Close()
}

// Addr implements [net.Listener].
func (s *Socket) Addr() net.Addr { return s.current().Addr() }

// File returns a descriptor of the socket, for a successor.
func (s *Socket) File() (*os.File, error) { return s.current().File() }

// Keep makes the socket again whenever it was removed, until ctx ends.
func (s *Socket) Keep(ctx context.Context, j *journal.Journal) error {
	told := false
	for task.Pause(ctx, lookInterval) {
		remade, err := s.Remake()
		switch {
		case err != nil && !told:
			j.Emit(event.ConsoleNotRemade.With(s.path, err))
		case remade:
			j.Emit(event.ConsoleRemade.With(s.path))
		}
		told = err != nil
	}
	return nil
}

// Remake makes the socket again if it was removed.
func (s *Socket) Remake() (remade bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := os.Lstat(s.path); s.closed || !errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	l, err := Listen(s.path, s.group)
	if err != nil {
		return false, err
	}
	old := s.listener
	s.listener = l.(*net.UnixListener) // Listen returns this type for "unix"
	old.SetUnlinkOnClose(false)
	return true, old.Close()
}
