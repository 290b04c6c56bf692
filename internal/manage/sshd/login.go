package sshd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/crypto/ssh"

	"tandem/internal/console"
	"tandem/internal/crowd"
	"tandem/internal/event"
)

var errUnknownKey = errors.New("no such user, or not a key of the user")

// serve handles a connection from its login to its end. blocked says that the client's
// source has failed to log in too often lately.
func (s *Server) serve(c net.Conn, blocked bool) {
	defer c.Close()
	from := remote(c)
	s.mu.Lock()
	set, key := s.settings, s.key
	s.mu.Unlock()
	patience := set.LoginTimeout
	if blocked {
		patience = min(patience, hurry)
	}
	_ = c.SetDeadline(time.Now().Add(patience)) // can fail only if the connection is closed
	l := &loginAttempt{server: s, settings: set, source: from, blocked: blocked}
	conn, channels, requests, err := ssh.NewServerConn(c, l.config(key))
	if err != nil {
		s.leave(c, nil)
		s.refuse(l, err)
		return
	}
	_ = c.SetDeadline(time.Time{})
	s.limits.good(from.Addr())
	s.welcome(c, conn, set.user(conn.User()), channels, requests)
}

// loginAttempt is one connection's login.
type loginAttempt struct {
	server   *Server
	settings *settings
	source   netip.AddrPort
	blocked  bool   // the source has failed too often lately
	user     string // the user name that the client has sent
}

func (l *loginAttempt) config(key ssh.Signer) *ssh.ServerConfig {
	c := &ssh.ServerConfig{
		ServerVersion:     "SSH-2.0-Tandem",
		MaxAuthTries:      int(l.settings.Retries),
		PublicKeyCallback: l.key,
	}
	c.AddHostKey(key)
	return c
}

// key checks a key that the client offers. At this time the client has not yet proved that
// it has the private key. It is admitted only after that proof.
func (l *loginAttempt) key(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	l.user = meta.User()
	u := l.settings.user(l.user)
	if u == nil {
		return nil, errUnknownKey
	}
	allowed, err := u.allows(key)
	if err != nil {
		l.server.journal.Emit(event.SSHKeysIgnored.With(u.Name, err))
	}
	if !allowed {
		return nil, errUnknownKey
	}
	return &ssh.Permissions{}, nil
}

// refuse records a failed login. For a blocked source it only counts the failure, because
// the journal already has an entry that the source is blocked.
func (s *Server) refuse(l *loginAttempt, err error) {
	s.mu.Lock()
	s.counters.Failed++
	if l.blocked {
		s.counters.Blocked++
	}
	s.mu.Unlock()
	if l.blocked {
		return
	}
	s.journal.Record(event.SSHLoginFailed.With(l.user, l.source, err))
	if s.limits.failed(l.source.Addr(), time.Now()) {
		s.journal.Emit(event.SSHSourceBlocked.With(crowd.Source(l.source.Addr()), blockTime))
	}
}

// welcome serves a user who has logged in.
func (s *Server) welcome(waiting net.Conn, sc *ssh.ServerConn, u *user, channels <-chan ssh.NewChannel, requests <-chan *ssh.Request) {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := &conn{server: s, ssh: sc, ctx: ctx, cancel: cancel, since: time.Now(),
		login: console.Login{User: u.Name, Source: "ssh " + remoteOf(sc).String(), Level: console.Level(u.Level)}}
	c.touch()
	s.leave(waiting, c)
	s.journal.Record(event.SSHLogin.With(u.Name, c.login.Source, u.Level))
	go ssh.DiscardRequests(requests)
	go c.watchIdle()
	c.serve(channels)
	c.end("the client has left")
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.journal.Record(event.SSHLogout.With(u.Name, c.login.Source, context.Cause(ctx)))
}

// leave ends the login attempt of a connection. waiting is the connection. c is its
// session, nil if the login has failed. leave closes the session at once if the
// configuration was changed during the login and forbids this user, or if the user has
// too many sessions.
func (s *Server) leave(waiting net.Conn, c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins.Remove(waiting)
	if c == nil {
		return
	}
	s.counters.Logins++
	s.conns[c] = true
	s.dismiss()
	if s.sessionsOf(c.login.User) > maxUserSessions {
		s.counters.TooMany++
		c.end(fmt.Sprintf("the user has %d sessions, which is the most that one user can have", maxUserSessions))
	}
}

// sessionsOf counts the sessions of a user. The number of sessions of one user is
// limited, so that an administrator can always log in.
func (s *Server) sessionsOf(user string) (n int) {
	for c := range s.conns {
		if c.login.User == user {
			n++
		}
	}
	return n
}

func remote(c net.Conn) netip.AddrPort { return addrPort(c.RemoteAddr()) }

func remoteOf(c *ssh.ServerConn) netip.AddrPort { return addrPort(c.RemoteAddr()) }

func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	p := tcp.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}
