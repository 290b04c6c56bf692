package crowd

import "net"

// Listen returns a listener that accepts the connections of l and holds at most this
// number of them at a time. It closes one of them for each further one, see [Crowd].
func Listen(l net.Listener, most int) net.Listener { return &listener{l, New(most)} }

type listener struct {
	net.Listener
	crowd *Crowd
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	accepted := &conn{c, l.crowd}
	from, _ := c.RemoteAddr().(*net.TCPAddr)
	if victim := l.crowd.Add(accepted, Source(from.AddrPort().Addr()), false); victim != nil {
		victim.Close()
	}
	return accepted, nil
}

// conn is a connection that removes itself from the crowd when it is closed.
type conn struct {
	net.Conn
	crowd *Crowd
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	c.crowd.Remove(c)
	return c.Conn.Close()
}
