package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"tandem/internal/device"
	"tandem/internal/pki"
	"tandem/internal/rbs"
)

// dialTimeout bounds the time to connect to the peer.
const dialTimeout = 2 * time.Second

// connect dials the peer. It cancels a dial under way, whose result is then ignored.
func (ch *channel) connect(want rbs.Dial) {
	if ch.dial != nil {
		ch.dial()
	}
	own, err := ch.all.usable(ch.service)
	if err != nil {
		ch.all.soon(device.ChannelDialFailed{Service: ch.service, Reason: "TLS: " + err.Error()})
		return
	}
	ctx, cancel := context.WithTimeout(ch.all.o.Tasks.Context(), dialTimeout)
	ch.dial = cancel
	ch.all.o.Tasks.Go("RBS dial", func(context.Context) error {
		defer cancel()
		tcp, stream, err := call(ctx, want, ch.all.client(want, own))
		ch.answered(ctx, tcp, stream, err)
		return nil
	})
}

// answered reports the result of a dial to the device, unless a newer dial has replaced
// this one.
func (ch *channel) answered(ctx context.Context, tcp, stream net.Conn, err error) {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		if err == nil {
			tcp.Close()
		}
	case err != nil:
		ch.all.post(device.ChannelDialFailed{Service: ch.service, Reason: err.Error(), Distrust: pki.Untrusted(err)})
	default:
		by := securityOf(stream)
		ch.connected(by)
		ch.adopt(tcp, stream, func(id rbs.ConnID) device.Event {
			return device.ChannelDialled{Service: ch.service, Conn: id, By: by}
		})
	}
}

// client returns the TLS configuration for a dial. It verifies the peer by the SSL policy
// of the service, or, without one, by the pinned certificate. It is nil for an
// unprotected connection.
func (c *Channels) client(want rbs.Dial, own *pki.Credentials) *tls.Config {
	switch {
	case own != nil:
		return own.Client(want.Identity)
	case want.Pin != rbs.Fingerprint{}:
		return c.o.Own.Client(func() pki.Fingerprint { return pki.Fingerprint(want.Pin) })
	}
	return nil
}

// call connects to the peer, and does the TLS handshake if cfg is not nil. All bytes go
// through stream, which is tcp itself, or TLS over tcp.
func call(ctx context.Context, want rbs.Dial, cfg *tls.Config) (tcp, stream net.Conn, err error) {
	dialer := net.Dialer{Control: smallSegments, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(want.Local, 0))}
	tcp, err = dialer.DialContext(ctx, "tcp6", netip.AddrPortFrom(want.Peer, want.Port).String())
	if err != nil || cfg == nil {
		return tcp, tcp, err
	}
	secure := tls.Client(tcp, cfg)
	if err := handshake(ctx, secure); err != nil {
		tcp.Close()
		return nil, nil, fmt.Errorf("TLS: %w", err)
	}
	return tcp, secure, nil
}
