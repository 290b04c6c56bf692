package channel

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/pki"
	"tandem/internal/rbs"
)

const readSize = 64 << 10

// conn is one connection with its reader and its writer.
type conn struct {
	id     rbs.ConnID
	tcp    net.Conn
	stream net.Conn // the stream of the bytes: tcp itself, or TLS over tcp
	out    chan []byte
}

// connected logs that a connection is up, and whether it uses TLS.
func (ch *channel) connected(by rbs.Security) {
	how := "in clear"
	if by.TLS {
		how = "TLS 1.3"
	}
	ch.all.o.Emit(event.RBSChannelEvent.With(ch.service, "connected", how))
}

// securityOf returns how a connection is protected. The handshake is over.
func securityOf(stream net.Conn) rbs.Security {
	secure, ok := stream.(*tls.Conn)
	if !ok {
		return rbs.Security{}
	}
	return rbs.Security{TLS: true, Certificate: rbs.Fingerprint(pki.FingerprintOf(secure.ConnectionState()))}
}

// adopt registers a new connection and reports it to the device. Then it starts the
// reader and the writer.
func (ch *channel) adopt(tcp, stream net.Conn, announce func(rbs.ConnID) device.Event) {
	c := &conn{tcp: tcp, stream: stream, out: make(chan []byte, 1)}
	stopped := ch.all.o.Loop.Call(func() {
		ch.all.lastConn++
		c.id = ch.all.lastConn
		ch.conns[c.id] = c
		ch.all.o.Handle(announce(c.id))
	})
	if stopped != nil {
		tcp.Close()
		return
	}
	ch.all.o.Tasks.Go("RBS reader", func(context.Context) error { ch.read(c); return nil })
	ch.all.o.Tasks.Go("RBS writer", func(context.Context) error { ch.write(c); return nil })
}

func (ch *channel) read(c *conn) {
	buf := make([]byte, readSize)
	for {
		n, err := c.stream.Read(buf)
		if n > 0 && !ch.all.post(device.ChannelReceived{Service: ch.service, Conn: c.id, Bytes: buf[:n]}) {
			return
		}
		if err != nil {
			ch.lost(c, pki.Explain(err))
			return
		}
	}
}

func (ch *channel) write(c *conn) {
	for b := range c.out {
		if _, err := c.stream.Write(b); err != nil {
			ch.lost(c, err)
			return
		}
		if !ch.all.post(device.ChannelWritten{Service: ch.service, Conn: c.id}) {
			return
		}
	}
}

// closeConn closes a connection. Then its reader and its writer end, too. Before that it sends
// last, if it can do so without waiting.
func (ch *channel) closeConn(id rbs.ConnID, last []byte) {
	c := ch.conns[id]
	if c == nil {
		return
	}
	delete(ch.conns, id)
	close(c.out)
	if last != nil { // the result does not matter, because the connection ends anyway
		_ = c.tcp.SetWriteDeadline(time.Now().Add(time.Millisecond))
		_, _ = c.stream.Write(last)
	}
	c.tcp.Close()
}

// lost reports to the device that a connection has ended. It may be called twice for a
// connection; the second call does nothing.
func (ch *channel) lost(c *conn, err error) {
	_ = ch.all.o.Loop.Call(func() { // fails only when the daemon ends, which closes the connection anyway
		if ch.conns[c.id] == nil {
			return
		}
		ch.closeConn(c.id, nil)
		ch.all.o.Handle(device.ChannelClosed{Service: ch.service, Conn: c.id, Reason: err.Error()})
	})
}

// post passes an event to the device in a turn of its own. It reports false when the
// event loop has ended.
func (c *Channels) post(ev device.Event) bool {
	return c.o.Loop.Turn(func() { c.o.Handle(ev) }) == nil
}

// soon passes an event to the device after the present turn.
func (c *Channels) soon(ev device.Event) { c.o.Loop.Next(func() { c.o.Handle(ev) }) }
