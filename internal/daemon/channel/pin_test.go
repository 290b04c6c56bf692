package channel

import (
	"net/netip"
	"strings"
	"testing"

	"tandem/internal/device"
	"tandem/internal/pki"
	"tandem/internal/rbs"
)

func self(t *testing.T) *pki.Self {
	t.Helper()
	own, err := pki.NewSelf()
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func fingerprint(s *pki.Self) rbs.Fingerprint { return rbs.Fingerprint(s.Fingerprint()) }

// TestPinnedPeer: each end takes the peer whose certificate the hellos name, and nobody else.
// A listening end that learns of a new certificate takes it on the same socket.
func TestPinnedPeer(t *testing.T) {
	a, b := newEnd(t), newEnd(t)
	a.o.Own, b.o.Own = self(t), self(t)
	ends := rbs.Ends{Local: loopback, Peer: loopback}
	listens := func(pin rbs.Fingerprint, port uint16) {
		b.asks(rbs.Effects{Listen: []rbs.Listen{{}, {On: true, Ends: ends, Port: port, Identity: loopback, Pin: pin}}})
	}
	listens(fingerprint(a.o.Own), 0)
	at := func() (at netip.AddrPort) {
		_ = b.o.Loop.Turn(func() { at = netip.MustParseAddrPort(b.byService[service].listener.socket.Addr().String()) })
		return at
	}
	first := at()
	dials := func(pin rbs.Fingerprint) {
		a.asks(rbs.Effects{Dial: []rbs.Dial{{Ends: ends, Port: first.Port(), Identity: loopback, Pin: pin}}})
	}
	meet := func() {
		t.Helper()
		dials(fingerprint(b.o.Own))
		dialled, accepted := told[device.ChannelDialled](a), told[device.ChannelAccepted](b)
		if dialled.By != (rbs.Security{TLS: true, Certificate: fingerprint(b.o.Own)}) || accepted.By != (rbs.Security{TLS: true, Certificate: fingerprint(a.o.Own)}) {
			t.Errorf("protected by %+v, %+v", dialled.By, accepted.By)
		}
		speak(a, b, dialled.Conn, accepted.Conn)
	}
	meet()

	dials(rbs.Fingerprint{1}) // b is not who a looks for
	if failed := told[device.ChannelDialFailed](a); !failed.Distrust || !strings.Contains(failed.Reason, "TLS: the peer's certificate is refused") {
		t.Errorf("%+v", failed)
	}
	if failed := told[device.ChannelHandshakeFailed](b); failed.Distrust || !strings.Contains(failed.Reason, "refuses this device's certificate") {
		t.Errorf("%+v", failed)
	}

	a.o.Own = self(t) // a is not who b looks for
	dials(fingerprint(b.o.Own))
	if failed := told[device.ChannelHandshakeFailed](b); !failed.Distrust {
		t.Errorf("%+v", failed)
	}
	told[device.ChannelDialled](a) // in TLS 1.3 it learns of that when it reads
	told[device.ChannelClosed](a)

	dials(rbs.Fingerprint{}) // nor does it speak in clear
	told[device.ChannelDialled](a)
	told[device.ChannelHandshakeFailed](b)
	told[device.ChannelClosed](a)

	listens(fingerprint(a.o.Own), 0)
	if now := at(); now != first {
		t.Errorf("listens at %v, was at %v", now, first)
	}
	meet()
}
