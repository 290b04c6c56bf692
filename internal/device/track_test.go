package device

import (
	"net/netip"
	"testing"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/rbs"
)

// A service that tracks a BFD session has no connection while the session is down, and
// tries to connect as soon as it is up.
func TestServiceTracksItsSession(t *testing.T) {
	s := rigSettings()
	svc := s.Services["rbs1"]
	svc.BFDSession = "core"
	s.Services["rbs1"] = svc
	r := boot(t, 7, s)
	service := func() rbs.State { return r.dev.Snapshot(r.now, time.Time{}).Services[0] }
	want := func(when string, tcp rbs.TCPState) {
		t.Helper()
		if got := service().TCP; got != tcp {
			t.Errorf("%s: %v, want %v", when, got, tcp)
		}
	}
	want("before the session is known", rbs.Listening)
	for conn := rbs.ConnID(1); conn < 3; conn++ { // the second time must be like the first
		r.handle(BFDChanged{Session: "core", State: etrunk.BFDUp})
		r.dev.Handle(r.now, ChannelAccepted{Service: "rbs1", Conn: conn, From: netip.MustParseAddr("2001:db8::b")})
		hello := rbs.AppendHello(nil, rbs.Hello{MinVersion: 1, MaxVersion: 1, Device: 8, Buckets: buckets})
		r.dev.Handle(r.now, ChannelReceived{Service: "rbs1", Conn: conn, Bytes: hello})
		r.take()
		want("greeted", rbs.Connected)
		r.handle(BFDChanged{Session: "other", State: etrunk.BFDDown})
		want("another session is down", rbs.Connected)
		r.dev.Handle(r.now, BFDChanged{Session: "core", State: etrunk.BFDDown})
		closed, stopped := false, false
		for _, ch := range r.dev.Effects().Channels {
			closed = closed || len(ch.Close) == 1 && ch.Close[0].Conn == conn
			stopped = stopped || len(ch.Listen) == 1 && !ch.Listen[0].On
		}
		if !closed || !stopped {
			t.Errorf("session down: closed %v, stopped listening %v", closed, stopped)
		}
		want("session down", rbs.Initial)
	}
	r.handle(BFDChanged{Session: "core", State: etrunk.BFDUp})
	want("session up", rbs.Listening)
}
