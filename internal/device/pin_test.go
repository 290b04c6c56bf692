package device

import (
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/rbs"
)

// herald sends the hellos of the peer of a rig on one E-Trunk.
type herald struct {
	r     *rig
	cfg   etrunk.Config
	trunk *etrunk.Trunk
	fx    etrunk.Effects
}

func newHerald(r *rig, id uint32, seed uint64) *herald {
	cfg := r.dev.trunks.get(id).cfg
	cfg.DeviceID, cfg.Local, cfg.Peer = 8, cfg.Peer, cfg.Local
	return &herald{r: r, cfg: cfg, trunk: etrunk.New(rand.New(rand.NewPCG(seed, 2)))}
}

// names tells the certificate of the peer, by as many hellos as it takes. It returns what the
// service asked for meanwhile.
func (h *herald) names(certificate byte) (asked rbs.Effects) {
	h.r.t.Helper()
	h.cfg.Certificate = [32]byte{certificate}
	if err := h.trunk.Configure(h.r.now, h.cfg, &h.fx); err != nil {
		h.r.t.Fatal(err)
	}
	for range 5 {
		h.r.now = h.r.now.Add(50 * time.Millisecond)
		h.trunk.Advance(h.r.now, &h.fx)
		packets := h.fx.Packets
		h.fx = etrunk.Effects{}
		for _, packet := range packets {
			h.r.dev.Handle(h.r.now, HelloReceived{From: h.cfg.Local, Packet: packet})
		}
		h.r.dev.Advance(h.r.now)
		fx := h.r.dev.Effects()
		for _, hello := range fx.Hellos {
			if hello.ETrunk == h.cfg.ID {
				_ = h.trunk.Receive(h.r.now, h.cfg.Peer, "", hello.Packet, &h.fx)
			}
		}
		for _, ch := range fx.Channels {
			asked.Close = append(asked.Close, ch.Close...)
			asked.Listen = append(asked.Listen, ch.Listen...)
		}
	}
	return asked
}

// pinnedRig has two E-Trunks that lead to the peer of its service.
func pinnedRig(t *testing.T) *rig {
	s := rigSettings()
	svc := s.Services["rbs1"]
	svc.Pinned, svc.ETrunks = true, []uint32{1, 2}
	s.Services["rbs1"] = svc
	second := s.ETrunks[1]
	second.ID, second.Members = 2, nil
	s.ETrunks[2] = second
	return boot(t, 7, s)
}

// TestFirstHelloIsAwaitedWithoutAlarm: at a start, a service waits for the first hello of its
// peer, and no alarm is raised. It is raised when the E-Trunk has waited for long enough.
func TestFirstHelloIsAwaitedWithoutAlarm(t *testing.T) {
	r := pinnedRig(t)
	r.pass(time.Second)
	if hasAlarm(r, event.ChannelDown) {
		t.Error("an alarm at the start")
	}
	r.pass(time.Minute)
	if !hasAlarm(r, event.ChannelDown) {
		t.Error("no alarm after a minute")
	}
}

// TestPeerIsKnownByItsHellos: a service has no connection until a hello has told who the peer
// is. What the hellos name later is in force at once.
func TestPeerIsKnownByItsHellos(t *testing.T) {
	r := pinnedRig(t)
	listens := func(when string, asked rbs.Effects, want byte) {
		t.Helper()
		if n := len(asked.Listen); n == 0 || !asked.Listen[n-1].On || asked.Listen[n-1].Pin != (rbs.Fingerprint{want}) {
			t.Errorf("%s: %+v, want the certificate %d", when, asked.Listen, want)
		}
	}
	same := func(when string, asked rbs.Effects) {
		t.Helper()
		if len(asked.Listen)+len(asked.Close) > 0 {
			t.Errorf("%s: %+v", when, asked)
		}
	}
	service := func() *service { return r.dev.services.get("rbs1") }
	if got := service().core.TCP(); got != rbs.Initial {
		t.Errorf("nobody is heard, and the service is %v", got)
	}
	first, second := newHerald(r, 1, 1), newHerald(r, 2, 2)
	listens("the second E-Trunk is heard", second.names(5), 5)
	same("the first one says the same", first.names(5))
	r.accept(1, rbs.Security{TLS: true, Certificate: rbs.Fingerprint{5}})
	if got := service().core.TCP(); got != rbs.Connected {
		t.Fatalf("the peer has connected: %v", got)
	}
	// An E-Trunk that is set up anew is not a reason to doubt the peer, nor is one that is lost.
	s := r.dev.settings
	s.ETrunks = maps.Clone(s.ETrunks)
	for id, cfg := range s.ETrunks {
		cfg.Key = []byte("another key")
		s.ETrunks[id] = cfg
	}
	r.configure(s)
	r.dev.Advance(r.now)
	if got := service().core.TCP(); got != rbs.Connected {
		t.Errorf("another security key: %v", got)
	}
	// The peer has lost its certificate. It starts again, with another one.
	again := newHerald(r, 1, 3)
	again.cfg.Key = []byte("another key")
	asked := again.names(6)
	listens("the peer has another certificate", asked, 6)
	if len(asked.Close) != 1 {
		t.Errorf("the connection by the old one goes on: %+v", asked)
	}
	// It is put back to an older release, and upgraded again.
	r.accept(2, rbs.Security{TLS: true, Certificate: rbs.Fingerprint{6}})
	listens("the peer names none", again.names(0), 0)
	r.accept(3, rbs.Security{})
	if got := service().core.TCP(); got != rbs.Connected || !hasAlarm(r, event.ChannelInClear) {
		t.Errorf("a peer of an older release: %v", got)
	}
	asked = again.names(6)
	listens("the peer is upgraded", asked, 6)
	if len(asked.Close) != 1 || hasAlarm(r, event.ChannelInClear) {
		t.Errorf("the peer is upgraded, and the connection in clear goes on: %+v", asked)
	}
}

// TestServiceWithoutETrunk: nobody tells who the peer of such a service is, so it waits.
func TestServiceWithoutETrunk(t *testing.T) {
	s := rigSettings()
	svc := s.Services["rbs1"]
	svc.Pinned = true
	s.Services["rbs1"] = svc
	r := boot(t, 7, s)
	if st := r.dev.Snapshot(r.now, time.Time{}).Services[0]; st.TCP != rbs.Initial || st.LastError != "no E-Trunk leads to the peer, so its certificate is not known" {
		t.Errorf("%+v", st)
	}
}

// TestDistrustIsAnAlarm: somebody who has not proven to be the peer is an alarm until the peer
// comes.
func TestDistrustIsAnAlarm(t *testing.T) {
	r := newRig(t)
	r.handle(ChannelHandshakeFailed{Service: "rbs1", Reason: "a wrong certificate"})
	if hasAlarm(r, event.PeerNotTrusted) {
		t.Error("an alarm although it may be the peer")
	}
	r.handle(ChannelHandshakeFailed{Service: "rbs1", Reason: "a wrong certificate", Distrust: true})
	if !hasAlarm(r, event.PeerNotTrusted) {
		t.Error("no alarm")
	}
	if r.accept(1, rbs.Security{}); hasAlarm(r, event.PeerNotTrusted) {
		t.Error("the peer has come, and the alarm stays")
	}
}

func hasAlarm(r *rig, kind *event.AlarmKind) bool {
	for _, c := range r.dev.Conditions() {
		if c.AlarmKind == kind {
			return true
		}
	}
	return false
}

// accept gives the service a connection of the peer, which greets.
func (r *rig) accept(conn rbs.ConnID, by rbs.Security) {
	r.dev.Handle(r.now, ChannelAccepted{Service: "rbs1", Conn: conn, From: r.dev.settings.Services["rbs1"].Peer, By: by})
	hello := rbs.AppendHello(nil, rbs.Hello{MinVersion: 1, MaxVersion: 1, Device: 8, Buckets: buckets})
	r.dev.Handle(r.now, ChannelReceived{Service: "rbs1", Conn: conn, Bytes: hello})
	r.take()
}
