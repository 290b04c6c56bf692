package sshd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"tandem/internal/console"
	"tandem/internal/state"
)

// conn is a connection of a user who has logged in.
type conn struct {
	server *Server
	ssh    *ssh.ServerConn
	login  console.Login
	since  time.Time
	ctx    context.Context // ends with the connection, and tells why
	cancel context.CancelCauseFunc
	typed  atomic.Int64 // when a key was pressed last, in Unix nanoseconds
	open   atomic.Int32 // sessions
}

// maxChannels bounds the sessions of one connection.
const maxChannels = 4

// end ends the connection, and says why if nobody has yet. What a session was
// about to show is shown.
func (c *conn) end(why string) {
	c.cancel(errors.New(why))
}

// touch notes that something was typed.
func (c *conn) touch() { c.typed.Store(time.Now().UnixNano()) }

func (c *conn) idle(now time.Time) time.Duration {
	return max(now.Sub(time.Unix(0, c.typed.Load())), 0)
}

// watchIdle ends the connection when nothing was typed for too long, and closes it when it has ended.
func (c *conn) watchIdle() {
	defer c.ssh.Close()
	for {
		c.server.mu.Lock()
		limit := c.server.settings.IdleTimeout
		c.server.mu.Unlock()
		left := limit - c.idle(time.Now())
		switch {
		case limit == 0:
			left = time.Minute // it may be set meanwhile
		case left <= 0:
			c.end(fmt.Sprintf("nothing was typed for %v", limit))
		}
		select {
		case <-time.After(min(max(left, 0), time.Minute)):
		case <-c.ctx.Done():
			c.drain()
			return
		}
	}
}

// drain gives sessions a moment for their last words.
func (c *conn) drain() {
	for range 20 {
		if c.open.Load() == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// serve takes the channels of the connection, of which only sessions are let through.
func (c *conn) serve(channels <-chan ssh.NewChannel) {
	var sessions sync.WaitGroup
	for n := range channels {
		switch {
		case n.ChannelType() != "session":
			_ = n.Reject(ssh.Prohibited, "only console sessions are served here")
			continue
		case c.open.Load() >= maxChannels:
			_ = n.Reject(ssh.ResourceShortage, "too many sessions on this connection")
			continue
		}
		channel, requests, err := n.Accept()
		if err != nil {
			continue // the client is gone
		}
		c.open.Add(1)
		sessions.Go(func() {
			defer c.open.Add(-1)
			newSession(c, channel).serve(requests)
		})
	}
	sessions.Wait()
}

func (c *conn) state(now time.Time) state.SSHSession {
	return state.SSHSession{User: c.login.User, Source: c.login.Source, Level: int(c.login.Level), Since: c.since, Idle: c.idle(now)}
}

// typing tells of every key that is pressed.
type typing struct {
	io.Reader
	conn *conn
}

func (t typing) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if n > 0 {
		t.conn.touch()
	}
	return n, err
}
