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
	"tandem/internal/event"
	"tandem/internal/journal"
	"tandem/internal/manage"
	"tandem/internal/state"
)

// retryListen is how soon a device that starts tries again to listen.
const retryListen = 5 * time.Second

// Server is the SSH server of a device. Its methods may be called from any goroutine.
type Server struct {
	stateDir string
	journal  *journal.Journal
	open     func(console.Login) *manage.Near
	limits   limits

	applying sync.Mutex // held while the configuration changes

	mu       sync.Mutex // guards the rest
	settings *settings
	key      ssh.Signer
	listener net.Listener // nil while the server is off
	retry    *time.Timer
	trouble  error // why it does not listen
	closed   bool
	logins   int // connections on their way in
	conns    map[*conn]bool
	counters state.SSHCounters
}

// New returns a server that is off. Sessions are made by open.
func New(stateDir string, j *journal.Journal, open func(console.Login) *manage.Near) *Server {
	return &Server{stateDir: stateDir, journal: j, open: open, settings: &settings{},
		limits: limits{sources: map[netip.Prefix]*failures{}}, conns: map[*conn]bool{}}
}

// Apply takes up a configuration. After an error, that it cannot listen where it
// should or a key is none, everything is as before.
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

// Start is Apply for a device that starts: what cannot be had yet is tried again
// until it can, or another configuration comes.
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

// listen goes over to the address of next.
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

// listenOn listens on an address that an interface may not have yet.
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

// dismiss ends the connections of users who may no longer do what they may there.
func (s *Server) dismiss() {
	for c := range s.conns {
		if u := s.settings.user(c.login.User); s.settings.address() == "" || u == nil || u.Level != uint8(c.login.Level) {
			c.end("the configuration no longer allows it")
		}
	}
}

// accept takes connections until the listener is closed.
func (s *Server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors, or the client is gone again
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if !s.admit(c) {
			c.Close()
			continue
		}
		go s.serve(c)
	}
}

// admit counts a connection on its way in, unless its source is blocked or there
// are too many.
func (s *Server) admit(c net.Conn) bool {
	blocked := s.limits.blocked(remote(c).Addr(), time.Now())
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case blocked:
		s.counters.Blocked++
		return false
	case s.logins >= maxLogins || len(s.conns) >= maxSessions:
		s.counters.TooMany++
		return false
	}
	s.logins++
	return true
}

// Close ends everything.
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

// State is what the displays show.
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
