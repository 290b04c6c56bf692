package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/pki"
	"tandem/internal/rbs"
)

const (
	dialTimeout = 2 * time.Second
	readSize    = 64 << 10
)

// channel is the TCP side of one remote backup service.
type channel struct {
	d        *Daemon
	service  string
	listener *net.TCPListener
	dial     context.CancelFunc
	conns    map[rbs.ConnID]*conn
}

// conn is one connection with its reader and its writer. There is at most one
// chunk to write at a time.
type conn struct {
	id  rbs.ConnID
	tcp net.Conn
	io  net.Conn // what is read and written: tcp itself, or TLS over it
	out chan []byte
}

// lastConn numbers connections; each number is used once.
var lastConn atomic.Uint64

// serveChannel does what a service asks of its connection.
func (d *Daemon) serveChannel(fx device.ChannelEffects) {
	ch := d.channels[fx.Service]
	if ch == nil {
		ch = &channel{d: d, service: fx.Service, conns: make(map[rbs.ConnID]*conn)}
		d.channels[fx.Service] = ch
	}
	for _, c := range fx.Close {
		ch.closeConn(c.Conn, c.Last)
	}
	for _, l := range fx.Listen {
		ch.stopListening()
		if l.On {
			ch.listen(netip.AddrPortFrom(l.Local, l.Port), l.Peer)
		}
	}
	for _, dial := range fx.Dial {
		ch.connect(dial)
	}
	d.exchangeStatus(fx)
	for _, s := range fx.Send {
		if c := ch.conns[s.Conn]; c != nil {
			c.out <- s.Bytes
		}
	}
}

func (ch *channel) close() {
	ch.stopListening()
	if ch.dial != nil {
		ch.dial()
	}
	for id := range ch.conns {
		ch.closeConn(id, nil)
	}
}

func (ch *channel) closeConn(id rbs.ConnID, last []byte) {
	c := ch.conns[id]
	if c == nil {
		return
	}
	delete(ch.conns, id)
	close(c.out)
	if last != nil { // best effort: the connection ends anyway
		_ = c.tcp.SetWriteDeadline(time.Now().Add(time.Millisecond))
		_, _ = c.io.Write(last)
	}
	c.tcp.Close()
}

func (ch *channel) stopListening() {
	if ch.listener != nil {
		ch.listener.Close()
		ch.listener = nil
	}
}

func (ch *channel) listen(at netip.AddrPort, peer netip.Addr) {
	l, err := ch.d.openListener(at)
	if err != nil {
		ch.later(device.ChannelListenFailed{Service: ch.service, Reason: err.Error()})
		return
	}
	ch.listener = l
	go func() {
		for {
			tcp, err := l.AcceptTCP()
			if err != nil {
				return // closed by stopListening
			}
			go ch.accepted(tcp, peer)
		}
	}()
}

// openListener takes over the socket that a daemon before this one had, or opens one.
func (d *Daemon) openListener(at netip.AddrPort) (*net.TCPListener, error) {
	if file := d.inherited(rbsFile, at, ""); file != nil {
		l, err := net.FileListener(file)
		file.Close()
		if tcp, ok := l.(*net.TCPListener); ok && err == nil {
			return tcp, nil
		}
	}
	return net.ListenTCP("tcp6", net.TCPAddrFromAddrPort(at))
}

// accepted agrees on TLS with the peer, where that is asked for, and hands the
// connection over. One from another address is handed over as it is, to be
// refused and counted.
func (ch *channel) accepted(tcp net.Conn, peer netip.Addr) {
	from := tcp.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().WithZone("")
	stream := tcp
	if from == peer {
		var err error
		if stream, err = ch.secure(tcp, peer); err != nil {
			tcp.Close()
			ch.later(device.ChannelHandshakeFailed{Service: ch.service, Reason: "TLS: " + err.Error()})
			return
		}
		ch.connected(stream)
	}
	ch.adopt(tcp, stream, func(id rbs.ConnID) device.Event {
		return device.ChannelAccepted{Service: ch.service, Conn: id, From: from}
	})
}

// secure agrees on TLS with the peer that has connected, if the service is to speak it.
func (ch *channel) secure(tcp net.Conn, peer netip.Addr) (net.Conn, error) {
	var credentials *pki.Credentials
	var unusable error
	stopped := ch.d.call(func() { credentials, unusable = ch.d.credentials(ch.service) })
	if err := errors.Join(stopped, unusable); err != nil || credentials == nil {
		return tcp, err
	}
	secure := tls.Server(tcp, credentials.Server(peer))
	return secure, handshake(context.Background(), secure)
}

// handshake agrees on TLS within a bounded time.
func handshake(ctx context.Context, c *tls.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	switch err := c.HandshakeContext(ctx); {
	case errors.Is(err, io.EOF):
		return errors.New("the peer ended the handshake without a word; it knows why")
	case err != nil:
		return pki.Explain(err)
	}
	return nil
}

func (ch *channel) connect(want rbs.Dial) {
	if ch.dial != nil {
		ch.dial()
	}
	credentials, err := ch.d.credentials(ch.service)
	if err != nil {
		ch.later(device.ChannelDialFailed{Service: ch.service, Reason: "TLS: " + err.Error()})
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	ch.dial = cancel
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(want.Local, 0))}
	go func() {
		defer cancel()
		tcp, err := dialer.DialContext(ctx, "tcp6", netip.AddrPortFrom(want.Peer, want.Port).String())
		stream := tcp
		if err == nil && credentials != nil {
			secure := tls.Client(tcp, credentials.Client(want.Peer))
			if err = handshake(ctx, secure); err != nil {
				tcp.Close()
				err = fmt.Errorf("TLS: %w", err)
			}
			stream = secure
		}
		switch {
		case ctx.Err() == context.Canceled:
			if err == nil {
				tcp.Close()
			}
		case err != nil:
			ch.later(device.ChannelDialFailed{Service: ch.service, Reason: err.Error()})
		default:
			ch.connected(stream)
			ch.adopt(tcp, stream, func(id rbs.ConnID) device.Event {
				return device.ChannelDialled{Service: ch.service, Conn: id}
			})
		}
	}()
}

// connected tells how the two speak from now on.
func (ch *channel) connected(stream net.Conn) {
	how := "in clear"
	if _, secure := stream.(*tls.Conn); secure {
		how = "TLS 1.3"
	}
	ch.d.emit(event.RBSChannelEvent.With(ch.service, "connected", how))
}

// later posts an event from within a turn.
func (ch *channel) later(ev device.Event) { go ch.d.post(ev) }

// adopt registers a new connection, then starts reading and writing.
func (ch *channel) adopt(tcp, stream net.Conn, announce func(rbs.ConnID) device.Event) {
	c := &conn{id: rbs.ConnID(lastConn.Add(1)), tcp: tcp, io: stream, out: make(chan []byte, 1)}
	err := ch.d.call(func() {
		ch.conns[c.id] = c
		ch.d.device.Handle(ch.d.now(), announce(c.id))
	})
	if err != nil {
		tcp.Close()
		return
	}
	go ch.read(c)
	go ch.write(c)
}

func (ch *channel) read(c *conn) {
	buf := make([]byte, readSize)
	for {
		n, err := c.io.Read(buf)
		if n > 0 && !ch.d.post(device.ChannelReceived{Service: ch.service, Conn: c.id, Bytes: buf[:n]}) {
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
		if _, err := c.io.Write(b); err != nil {
			ch.lost(c, err)
			return
		}
		if !ch.d.post(device.ChannelWritten{Service: ch.service, Conn: c.id}) {
			return
		}
	}
}

// lost tells the device of the end of a connection, once: whoever comes second
// finds it gone.
func (ch *channel) lost(c *conn, err error) {
	_ = ch.d.call(func() { // a stopping daemon has closed it itself
		if ch.conns[c.id] == nil {
			return
		}
		ch.closeConn(c.id, nil)
		ch.d.device.Handle(ch.d.now(), device.ChannelClosed{Service: ch.service, Conn: c.id, Reason: err.Error()})
	})
}
