package pki

import (
	"bytes"
	"testing"
	"time"
)

func self(t *testing.T) *Self {
	t.Helper()
	s, err := NewSelf()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pin(s *Self) func() Fingerprint { return func() Fingerprint { return s.Fingerprint() } }

// TestPinned: each end accepts the one certificate that it expects, and no other, whoever has
// signed it.
func TestPinned(t *testing.T) {
	a, b, stranger := self(t), self(t), self(t)
	none := func() Fingerprint { return Fingerprint{} }
	signed := loadAt(t, made(t, time.Now().Add(-time.Hour), 2*time.Hour), "b", time.Now())
	bare := b.Client(pin(a))
	bare.Certificates = nil
	// A thief has the certificate of b, but not its key.
	thief := &Self{stranger.own}
	thief.own.Certificate = b.own.Certificate

	for _, test := range []struct {
		name               string
		client, server     *Self
		atClient, atServer string // empty for success
	}{
		{"both good", b, a, "", ""},
		{"client is a stranger", stranger, a, "refuses this device's certificate", "certificate is refused: it has the SHA-256"},
		{"server is a stranger", b, stranger, "certificate is refused: it has the SHA-256", "refuses this device's certificate"},
		{"client has the certificate and another key", thief, a, "refuses", "invalid signature"},
	} {
		atClient, atServer := meet(t, test.client.Client(pin(a)), test.server.Server(pin(b)))
		check(t, test.name+", client", atClient, test.atClient)
		check(t, test.name+", server", atServer, test.atServer)
		if Untrusted(atServer) != (test.name == "client is a stranger") || Untrusted(atClient) != (test.name == "server is a stranger") {
			t.Errorf("%s: untrusted %v, %v", test.name, Untrusted(atClient), Untrusted(atServer))
		}
	}
	_, err := meet(t, bare, a.Server(pin(b)))
	check(t, "client shows none", err, "didn't provide a certificate")
	_, err = meet(t, signed.Client(loopback), a.Server(pin(b)))
	check(t, "client of an authority", err, "refuses this device's certificate") // it does not like the server's either
	_, err = meet(t, b.Client(pin(a)), a.Server(none))
	check(t, "server expects nobody", err, "certificate is refused")
	err, _ = meet(t, b.Client(none), a.Server(pin(b)))
	check(t, "client expects nobody", err, "certificate is refused")
	_, err = meet(t, nil, a.Server(pin(b)))
	if check(t, "client in clear", err, "does not speak TLS"); !Untrusted(err) {
		t.Error("a client in clear is trusted")
	}
}

func TestSelfIsKept(t *testing.T) {
	a := self(t)
	text, err := a.PEM()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseSelf(text)
	if err != nil || again.Fingerprint() != a.Fingerprint() {
		t.Fatal(err)
	}
	check(t, "read again", second(meet(t, again.Client(pin(a)), a.Server(pin(again)))), "")
	if _, err := ParseSelf(text[:len(text)/2]); err == nil {
		t.Error("half of it is taken")
	}
	if _, err := ParseSelf(bytes.ReplaceAll(text, []byte("CERTIFICATE"), []byte("NOTHING"))); err == nil {
		t.Error("a key alone is taken")
	}
}

func second(_, err error) error { return err }
