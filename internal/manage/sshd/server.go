package sshd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"tandem/internal/config"
	"tandem/internal/console"
	"tandem/internal/crowd"
	"tandem/internal/event"
	"tandem/internal/journal"
	"tandem/internal/manage"
	"tandem/internal/state"
)

// retryListen is the time between two attempts to listen, on a device that has just
// started.
const retryListen = 5 * time.Second

// Server is the SSH server of a device. Its methods may be called from any goroutine.
type Server struct {
	stateDir string
	journal  *journal.Journal
	open     func(console.Login) *manage.Near
	limits   limits
	logins   *crowd.Crowd // connections that are not logged in yet

	applying sync.Mutex // held while the configuration changes

	mu       sync.Mutex // guards the fields below
	settings *settings
	key      ssh.Signer
	listener net.Listener // nil while the server does not listen
	retry    *time.Timer
	trouble  error // why it does not listen, nil if it does
	closed   bool
	conns    map[*conn]bool
	counters state.SSHCounters
}

// New returns a server that is off. It opens console sessions with open.
func New(stateDir string, j *journal.Journal, open func(console.Login) *manage.Near) *Server {
	return &Server{stateDir: stateDir, journal: j, open: open, settings: &settings{},
		limits: limits{sources: map[netip.Prefix]*failures{}}, logins: crowd.New(maxLogins), conns: map[*conn]bool{}}
}

// Apply applies a configuration. An error means that the server cannot listen on the
// configured address, or that a key is not valid. In both cases nothing has changed.
func (s *Server) Apply(m *config.Model) error {
	next, err := settingsOf(m)
	if err != nil {
		return err
	}
	s.applying.Lock()
	defer s.applying.Unlock()
	if err := s.listen(next); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings = next
	s.dismiss()
	return nil
}

// Start does what Apply does, for a device that starts. If it cannot listen, it tries again
// until it can, or until another configuration is applied.
func (s *Server) Start(m *config.Model) {
	err := s.Apply(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble = err; err == nil || s.closed {
		return
	}
	s.journal.Emit(event.SSHNotListening.With(err))
	s.retry = time.AfterFunc(retryListen, func() { s.Start(m) })
}

// listen changes the listener to the address of next.
func (s *Server) listen(next *settings) error {
	s.mu.Lock()
	current, old := s.settings.address(), s.listener
	s.mu.Unlock()
	if address := next.address(); address == current && (old != nil) == (address != "") {
		return nil
	}
	var l net.Listener
	if address := next.address(); address != "" {
		key, err := hostKey(s.stateDir)
		if err != nil {
			return err
		}
		if l, err = listenOn(address); err != nil {
			return fmt.Errorf("ssh server: %w", explained(err))
		}
		s.mu.Lock()
		s.key = key
		s.mu.Unlock()
		s.journal.Emit(event.SSHListening.With(l.Addr(), ssh.FingerprintSHA256(key.PublicKey())))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retry != nil {
		s.retry.Stop()
	}
	s.listener, s.trouble = l, nil
	if old != nil {
		old.Close()
	}
	if l != nil {
		go s.accept(l)
	}
	return nil
}

// listenOn listens on an address, even if no interface has the address yet.
func listenOn(address string) (net.Listener, error) {
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var set error
		err := raw.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.SOL_IPV6, unix.IPV6_FREEBIND, 1) })
		return errors.Join(err, set)
	}}
	return lc.Listen(context.Background(), "tcp", address)
}

func explained(err error) error {
	if errors.Is(err, unix.EADDRINUSE) {
		return fmt.Errorf("another program has the port; set ssh server port or ssh server source-ipv6 (%w)", err)
	}
	return err
}

// dismiss ends the connections of users whose rights the configuration has reduced or
// removed.
func (s *Server) dismiss() {
	for c := range s.conns {
		if u := s.settings.user(c.login.User); s.settings.address() == "" || u == nil || u.Level != uint8(c.login.Level) {
			c.end("the configuration no longer allows it")
		}
	}
}

// accept accepts connections until the listener is closed.
func (s *Server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no file descriptors are left, or the client is already gone
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if blocked, admitted := s.admit(c); admitted {
			go s.serve(c, blocked)
		} else {
			c.Close()
		}
	}
}

// admit lets a connection log in, and reports whether its source is blocked. If too many
// connections wait for their login, admit closes one of them. If there are too many
// sessions, admit refuses the connection.
func (s *Server) admit(c net.Conn) (blocked, admitted bool) {
	from := remote(c).Addr()
	blocked = s.limits.blocked(from, time.Now())
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) >= maxSessions {
		s.counters.TooMany++
		return blocked, false
	}
	if victim := s.logins.Add(c, crowd.Source(from), blocked); victim != nil {
		s.counters.TooMany++
		victim.Close()
	}
	return blocked, true
}

// Close closes the listener and all connections.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.retry != nil {
		s.retry.Stop()
	}
	if s.listener != nil {
		s.listener.Close()
	}
	for c := range s.conns {
		c.end("the daemon ends")
	}
}

// State returns the state for displays.
func (s *Server) State() state.SSHServer {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	told := state.SSHServer{Enabled: s.settings.Enabled, SSHCounters: s.counters, BlockedSources: s.limits.count(now)}
	if s.trouble != nil {
		told.Trouble = s.trouble.Error()
	}
	if s.listener != nil {
		told.Address = s.listener.Addr().String()
		told.Fingerprint = ssh.FingerprintSHA256(s.key.PublicKey())
	}
	for c := range s.conns {
		told.Open = append(told.Open, c.state(now))
	}
	return told
}
