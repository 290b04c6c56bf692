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
	ctx    context.Context // cancelled when the connection ends; its cause says why
	cancel context.CancelCauseFunc
	typed  atomic.Int64 // when a key was last pressed, in Unix nanoseconds
	open   atomic.Int32 // number of open sessions
}

// maxChannels is the largest number of sessions on one connection.
const maxChannels = 4

// end ends the connection. The first caller's reason counts. Output of the sessions that is
// not sent yet is still sent.
func (c *conn) end(why string) {
	c.cancel(errors.New(why))
}

// touch records the time of a key.
func (c *conn) touch() { c.typed.Store(time.Now().UnixNano()) }

func (c *conn) idle(now time.Time) time.Duration {
	return max(now.Sub(time.Unix(0, c.typed.Load())), 0)
}

// watchIdle ends the connection if nothing was typed for too long. It closes the connection
// when it has ended.
func (c *conn) watchIdle() {
	defer c.ssh.Close()
	for {
		c.server.mu.Lock()
		limit := c.server.settings.IdleTimeout
		c.server.mu.Unlock()
		left := limit - c.idle(time.Now())
		switch {
		case limit == 0:
			left = time.Minute // because the configuration may set a limit later
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

// drain gives the sessions a short time to send their last output.
func (c *conn) drain() {
	for range 20 {
		if c.open.Load() == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// serve accepts the channels of the connection. It refuses all but sessions.
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
			continue // an error means that the client is gone
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

// typing reports every key that is pressed.
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
