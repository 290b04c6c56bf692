package web

import (
	"net"
	"sync"
)

// maxConnections bounds the connections to the page, so that idle ones do not take the
// file descriptors that the daemon needs.
const maxConnections = 128

// limited is a listener with a bounded number of connections at a time. It closes others
// at once.
type limited struct {
	net.Listener
	free chan struct{} // has one entry for each open connection
}

func limit(l net.Listener, connections int) *limited {
	return &limited{l, make(chan struct{}, connections)}
}

// Accept implements [net.Listener].
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.free <- struct{}{}:
			return &counted{Conn: c, done: func() { <-l.free }}, nil
		default:
			c.Close()
		}
	}
}

// counted is a connection that calls a function once, when it is closed.
type counted struct {
	net.Conn
	once sync.Once
	done func()
}

// Close implements [net.Conn].
func (c *counted) Close() error {
	c.once.Do(c.done)
	return c.Conn.Close()
}
