package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/pki"
	"tandem/internal/rbs"
	"tandem/internal/task"
)

// listener is a listening socket, and the requirements of the service on accepted
// connections.
type listener struct {
	socket *net.TCPListener
	want   atomic.Pointer[rbs.Listen]
}

// setListening listens at an address, or stops listening. It keeps a socket that already
// has this address. So a connection of the peer that is being made is not refused when
// only the required certificate changes.
func (ch *channel) setListening(want rbs.Listen) {
	if l := ch.listener; l != nil && want.On && l.want.Load().Ends == want.Ends && l.want.Load().Port == want.Port {
		l.want.Store(&want)
		return
	}
	ch.stopListening()
	if want.On {
		ch.listen(want)
	}
}

// listen accepts connections at an address. If they must be protected, it does the TLS
// handshake with the peer before it passes a connection to the device.
func (ch *channel) listen(want rbs.Listen) {
	socket, err := ch.openListener(netip.AddrPortFrom(want.Local, want.Port))
	if err != nil {
		ch.all.soon(device.ChannelListenFailed{Service: ch.service, Reason: err.Error()})
		return
	}
	l := &listener{socket: socket}
	l.want.Store(&want)
	ch.listener = l
	ch.all.o.Tasks.Go("RBS listener", func(ctx context.Context) error { return ch.accept(ctx, l) })
}

// openListener takes over the predecessor's listening socket, or opens one.
func (ch *channel) openListener(at netip.AddrPort) (*net.TCPListener, error) {
	if file := ch.all.o.Inherited(at); file != nil {
		l, err := net.FileListener(file)
		file.Close()
		if tcp, ok := l.(*net.TCPListener); ok && err == nil {
			return tcp, nil
		}
	}
	config := net.ListenConfig{Control: smallSegments}
	l, err := config.Listen(context.Background(), "tcp6", at.String())
	if err != nil {
		return nil, err
	}
	return l.(*net.TCPListener), nil
}

func (ch *channel) stopListening() {
	if ch.listener != nil {
		ch.listener.socket.Close()
		ch.listener = nil
	}
}

// accept accepts connections until the listener is closed.
func (ch *channel) accept(ctx context.Context, l *listener) error {
	failed := func(err error) { ch.all.o.Emit(event.SocketFailed.With("RBS listener", err)) }
	for {
		tcp, err := l.socket.AcceptTCP()
		if err != nil {
			if task.ReadAgain(ctx, err, failed) {
				continue
			}
			return nil
		}
		started := ch.all.o.Tasks.Go("RBS handshake", func(ctx context.Context) error {
			ch.accepted(ctx, tcp, l)
			return nil
		})
		if !started {
			tcp.Close()
		}
	}
}

// accepted does the TLS handshake with the peer if the connection is to be protected, and
// passes it to the device. It passes on a connection from another address without a
// handshake, because the device refuses and counts such a connection.
func (ch *channel) accepted(ctx context.Context, tcp net.Conn, l *listener) {
	from := tcp.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().WithZone("")
	stream := tcp
	var by rbs.Security
	if from == l.want.Load().Peer {
		var err error
		if stream, err = ch.secure(ctx, tcp, l); err != nil {
			tcp.Close()
			ch.all.post(device.ChannelHandshakeFailed{Service: ch.service, Reason: "TLS: " + err.Error(), Distrust: pki.Untrusted(err)})
			return
		}
		by = securityOf(stream)
		ch.connected(by)
	}
	ch.adopt(tcp, stream, func(id rbs.ConnID) device.Event {
		return device.ChannelAccepted{Service: ch.service, Conn: id, From: from, By: by}
	})
}

// secure does the TLS handshake with the peer that has connected. It verifies the peer by
// the SSL policy of the service, or, without one, by the pinned certificate. Without
// either it returns the connection unchanged.
func (ch *channel) secure(ctx context.Context, tcp net.Conn, l *listener) (net.Conn, error) {
	var own *pki.Credentials
	var unusable error
	stopped := ch.all.o.Loop.Call(func() { own, unusable = ch.all.usable(ch.service) })
	if err := errors.Join(stopped, unusable); err != nil {
		return tcp, err
	}
	var cfg *tls.Config
	switch want := l.want.Load(); {
	case own != nil:
		cfg = own.Server(want.Identity)
	case want.Pin != rbs.Fingerprint{}:
		cfg = ch.all.o.Own.Server(func() pki.Fingerprint { return pki.Fingerprint(l.want.Load().Pin) })
	default:
		return tcp, nil
	}
	secure := tls.Server(tcp, cfg)
	return secure, handshake(ctx, secure)
}
