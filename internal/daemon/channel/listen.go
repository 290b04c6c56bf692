package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/pki"
	"tandem/internal/rbs"
	"tandem/internal/task"
)

// listen accepts connections at an address. If the service has a policy, it does the TLS
// handshake with the peer before it passes a connection on.
func (ch *channel) listen(want rbs.Listen) {
	l, err := ch.openListener(netip.AddrPortFrom(want.Local, want.Port))
	if err != nil {
		ch.all.soon(device.ChannelListenFailed{Service: ch.service, Reason: err.Error()})
		return
	}
	ch.listener = l
	ch.all.o.Tasks.Go("RBS listener", func(ctx context.Context) error { return ch.accept(ctx, l, want) })
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
	return net.ListenTCP("tcp6", net.TCPAddrFromAddrPort(at))
}

func (ch *channel) stopListening() {
	if ch.listener != nil {
		ch.listener.Close()
		ch.listener = nil
	}
}

// accept accepts connections until the listener is closed.
func (ch *channel) accept(ctx context.Context, l *net.TCPListener, want rbs.Listen) error {
	failed := func(err error) { ch.all.o.Emit(event.SocketFailed.With("RBS listener", err)) }
	for {
		tcp, err := l.AcceptTCP()
		if err != nil {
			if task.ReadAgain(ctx, err, failed) {
				continue
			}
			return nil
		}
		started := ch.all.o.Tasks.Go("RBS handshake", func(ctx context.Context) error {
			ch.accepted(ctx, tcp, want)
			return nil
		})
		if !started {
			tcp.Close()
		}
	}
}

// accepted does the TLS handshake with the peer if the service has a policy, and passes
// the connection to the device. It passes on a connection from another address without a
// handshake, because the device refuses and counts such a connection.
func (ch *channel) accepted(ctx context.Context, tcp net.Conn, want rbs.Listen) {
	from := tcp.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().WithZone("")
	stream := tcp
	if from == want.Peer {
		var err error
		if stream, err = ch.secure(ctx, tcp, want.Identity); err != nil {
			tcp.Close()
			ch.all.post(device.ChannelHandshakeFailed{Service: ch.service, Reason: "TLS: " + err.Error()})
			return
		}
		ch.connected(stream)
	}
	ch.adopt(tcp, stream, func(id rbs.ConnID) device.Event {
		return device.ChannelAccepted{Service: ch.service, Conn: id, From: from}
	})
}

// secure does the TLS handshake with the peer that has connected. Without credentials it
// returns the connection unchanged.
func (ch *channel) secure(ctx context.Context, tcp net.Conn, peer netip.Addr) (net.Conn, error) {
	var own *pki.Credentials
	var unusable error
	stopped := ch.all.o.Loop.Call(func() { own, unusable = ch.all.usable(ch.service) })
	if err := errors.Join(stopped, unusable); err != nil || own == nil {
		return tcp, err
	}
	secure := tls.Server(tcp, own.Server(peer))
	return secure, handshake(ctx, secure)
}
