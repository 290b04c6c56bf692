package rbs

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// pinned returns a service that listens, whose peer is known by a certificate.
func pinned(pin Pin, wait string, local int) (*Service, *Effects) {
	s := NewService(newMemory(1, 16), NewClock(newYear, after(0)), 1, 1, rand.New(rand.NewPCG(1, 1)))
	fx := new(Effects)
	s.Configure(after(0), Config{Local: addresses[local], Peer: addresses[1-local], Enabled: true, Pin: pin, Wait: wait}, fx)
	return s, fx
}

var (
	theirs    = Pin{Certificate: Fingerprint{1}, Device: 2}
	strangers = Security{TLS: true, Certificate: Fingerprint{2}}
)

// TestOnlyThePinnedIsTaken: a connection is closed unless it shows the certificate that the
// peer's hellos name, and its HELLO has the device ID that they have.
func TestOnlyThePinnedIsTaken(t *testing.T) {
	for name, test := range map[string]struct {
		by     Security
		device uint64
		ok     bool
	}{
		"the peer":                   {Security{true, theirs.Certificate}, 2, true},
		"in clear":                   {Security{}, 2, false},
		"another certificate":        {strangers, 2, false},
		"certificate, other device":  {Security{true, theirs.Certificate}, 3, false},
		"certificate, the same name": {Security{true, theirs.Certificate}, 1, false},
	} {
		for local := range addresses {
			s, fx := pinned(theirs, "", local)
			if local == 1 {
				if len(fx.Dial) != 1 || fx.Dial[0].Pin != theirs.Certificate {
					t.Fatalf("%+v", fx.Dial)
				}
				s.Dialled(after(0), 7, test.by, fx)
			} else {
				if len(fx.Listen) != 1 || fx.Listen[0].Pin != theirs.Certificate {
					t.Fatalf("%+v", fx.Listen)
				}
				s.Accepted(after(0), 7, addresses[1], test.by, fx)
			}
			s.Received(after(0), 7, AppendHello(nil, helloOf(test.device)), fx)
			if closed := len(fx.Close) == 1 && fx.Close[0].Conn == 7; closed == test.ok || (s.TCP() == Connected) != test.ok {
				t.Errorf("%s: closed %v, %v", name, closed, s.TCP())
			}
			if st := s.State(after(0), newYear); test.ok && st.Security != test.by {
				t.Errorf("%s: shown as %+v", name, st.Security)
			}
			if local == 1 && !test.ok && !s.Deadline().IsSet() {
				t.Errorf("%s: no further attempt", name)
			}
		}
	}
}

// TestWaitingService: a service whose peer is not known yet has no connection, says why, and
// counts what the peer misses. It connects at once when the peer is known, and again when the
// peer has another certificate.
func TestWaitingService(t *testing.T) {
	s, fx := pinned(Pin{}, "not heard yet", 1)
	s.Dirty(after(time.Second), keyOf(1))
	if len(fx.Dial)+len(fx.Listen) != 0 || s.TCP() != Initial || s.LastError() != "not heard yet" || s.Deadline().IsSet() {
		t.Fatalf("%+v, %v, %q, due %v", fx, s.TCP(), s.LastError(), s.Deadline())
	}
	cfg := s.cfg
	cfg.Wait, cfg.Pin = "", theirs
	s.Configure(after(2*time.Second), cfg, fx)
	if len(fx.Dial) != 1 || s.kept.Missed != 1 || s.LastError() != "" {
		t.Fatalf("%+v, %d missed, %q", fx, s.kept.Missed, s.LastError())
	}
	s.Dialled(after(2*time.Second), 7, Security{true, theirs.Certificate}, fx)
	s.Received(after(2*time.Second), 7, AppendHello(nil, helloOf(2)), fx)
	*fx, cfg.Pin = Effects{}, Pin{Certificate: strangers.Certificate, Device: 2}
	s.Configure(after(3*time.Second), cfg, fx)
	if len(fx.Close) != 1 || len(fx.Dial) != 1 || fx.Dial[0].Pin != strangers.Certificate {
		t.Fatalf("%+v", fx)
	}
}

// TestDistrust: that somebody was refused who is not the peer is known for a minute, or until
// the peer comes.
func TestDistrust(t *testing.T) {
	s, fx := pinned(theirs, "", 0)
	refuse := func(at time.Duration) {
		s.Distrust(after(at), "a wrong certificate")
		s.HandshakeFailed(after(at), "a wrong certificate", fx)
	}
	refuse(0)
	refuse(30 * time.Second)
	if s.Advance(after(89*time.Second), fx); !strings.Contains(s.Distrusted(), "wrong") || s.Deadline() != after(90*time.Second) {
		t.Errorf("%q, due %v", s.Distrusted(), s.Deadline())
	}
	if s.Advance(after(90*time.Second), fx); s.Distrusted() != "" {
		t.Errorf("for ever: %q", s.Distrusted())
	}
	refuse(100 * time.Second)
	s.Accepted(after(101*time.Second), 7, addresses[1], Security{true, theirs.Certificate}, fx)
	if s.Received(after(101*time.Second), 7, AppendHello(nil, helloOf(2)), fx); s.Distrusted() != "" || s.TCP() != Connected {
		t.Errorf("the peer has come: %q, %v", s.Distrusted(), s.TCP())
	}
}
