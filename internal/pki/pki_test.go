package pki

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	loopback = netip.IPv6Loopback()
	other    = netip.MustParseAddr("2001:db8::7")
)

// made returns the certificates of a pair whose devices both have the loopback address,
// and of a third device with another address.
func made(t *testing.T, notBefore time.Time, lifetime time.Duration) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pki")
	devices := []Device{{"a", loopback}, {"b", loopback}, {"c", other}}
	if err := Make(dir, devices, notBefore, lifetime); err != nil {
		t.Fatal(err)
	}
	return dir
}

func loadAt(t *testing.T, dir, device string, now time.Time) *Credentials {
	t.Helper()
	c, err := Load(files(dir, device), now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func files(dir, device string) Files {
	return Files{filepath.Join(dir, CAFile), filepath.Join(dir, CertificateFile(device)), filepath.Join(dir, KeyFile(device))}
}

// authorities returns the authorities of several directories.
func authorities(t *testing.T, dirs ...string) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	for _, dir := range dirs {
		pem, err := os.ReadFile(filepath.Join(dir, CAFile))
		if err != nil || !pool.AppendCertsFromPEM(pem) {
			t.Fatal(err)
		}
	}
	return pool
}

// meet connects two ends over TCP. It returns the error of each end after it has read the
// other end's byte.
func meet(t *testing.T, client, server *tls.Config) (atClient, atServer error) {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		tcp, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		defer tcp.Close()
		done <- greet(tcp, server, tls.Server)
	}()
	tcp, err := net.Dial("tcp6", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	atClient = greet(tcp, client, tls.Client)
	tcp.Close()
	return atClient, <-done
}

// greet exchanges a byte; without a configuration, without TLS.
func greet(tcp net.Conn, cfg *tls.Config, secure func(net.Conn, *tls.Config) *tls.Conn) error {
	_ = tcp.SetDeadline(time.Now().Add(10 * time.Second))
	c := tcp
	if cfg != nil {
		t := secure(tcp, cfg)
		if err := t.Handshake(); err != nil {
			return Explain(err)
		}
		c = t
	}
	if _, err := c.Write([]byte("hello, peer")); err != nil {
		return Explain(err)
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return Explain(err)
}

// TestHandshake: each end's error says what is wrong.
func TestHandshake(t *testing.T) {
	now := time.Now()
	good, strange := made(t, now.Add(-time.Hour), 24*time.Hour), made(t, now.Add(-time.Hour), 24*time.Hour)
	past := made(t, now.Add(-48*time.Hour), 24*time.Hour)
	a, b, c := loadAt(t, good, "a", now), loadAt(t, good, "b", now), loadAt(t, good, "c", now)
	stranger := loadAt(t, strange, "b", now)
	// A certificate of the pair that was valid when it was loaded.
	expired := loadAt(t, past, "b", now.Add(-36*time.Hour))
	// A certificate that is not valid yet, by a clock that is a day behind.
	future := made(t, now.Add(24*time.Hour), 24*time.Hour)
	early := loadAt(t, future, "b", now.Add(36*time.Hour))
	expired.ca = authorities(t, good, past, future)
	a.ca, early.ca = expired.ca, expired.ca
	bare := b.Client(loopback)
	bare.Certificates = nil

	for _, test := range []struct {
		name               string
		client, server     *tls.Config
		atClient, atServer string // empty for success
	}{
		{"both good", b.Client(loopback), a.Server(loopback), "", ""},
		{"client of another authority", stranger.Client(loopback), a.Server(loopback), "certificate is refused: x509: certificate signed by unknown authority", "refuses this device's certificate"},
		{"server believes another authority", b.Client(loopback), &tls.Config{Certificates: a.Server(loopback).Certificates, ClientCAs: stranger.ca, ClientAuth: tls.RequireAndVerifyClientCert},
			"refuses this device's certificate", "certificate is refused: x509: certificate signed by unknown authority"},
		{"client expired", expired.Client(loopback), a.Server(loopback), "refuses this device's certificate", "expired"},
		{"server expired", (&Credentials{own: b.own, ca: a.ca}).Client(loopback), expired.Server(loopback), "expired", "refuses this device's certificate"},
		{"client not valid yet", early.Client(loopback), a.Server(loopback), "refuses this device's certificate", "not yet valid: current time"},
		{"server not valid yet", (&Credentials{own: b.own, ca: a.ca}).Client(loopback), early.Server(loopback), "not yet valid: current time", "refuses this device's certificate"},
		{"client shows none", bare, a.Server(loopback), "refuses this device's certificate", "didn't provide a certificate"},
		{"client of another address", c.Client(loopback), a.Server(loopback), "refuses this device's certificate", "certificate is refused: x509: certificate is valid for 2001:db8::7, not ::1"},
		{"server of another address", b.Client(loopback), c.Server(loopback), "certificate is refused: x509: certificate is valid for 2001:db8::7, not ::1", "refuses this device's certificate"},
		{"client in clear", nil, a.Server(loopback), "EOF", "does not speak TLS"},
		{"server in clear", b.Client(loopback), nil, "does not speak TLS", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			atClient, atServer := meet(t, test.client, test.server)
			check(t, "client", atClient, test.atClient)
			if test.server != nil || test.client == nil {
				check(t, "server", atServer, test.atServer)
			}
		})
	}
}

func check(t *testing.T, end string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", end, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: %v, want %q", end, err, want)
	}
}

func TestLoadRefuses(t *testing.T) {
	now := time.Now()
	dir, strange := made(t, now.Add(-time.Hour), 2*time.Hour), made(t, now.Add(-time.Hour), 2*time.Hour)
	missing, mixed, foreign := files(dir, "x"), files(dir, "a"), files(dir, "a")
	mixed.Key = filepath.Join(dir, KeyFile("b"))
	foreign.CA = filepath.Join(strange, CAFile)
	for want, f := range map[string]Files{
		"no such file":                            missing,
		"private key does not match":              mixed,
		"certificate signed by unknown authority": foreign,
		"holds no certificate":                    {CA: filepath.Join(dir, KeyFile("a"))},
	} {
		if _, err := Load(f, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", f, err, want)
		}
	}
	if _, err := Load(files(dir, "a"), now.Add(3*time.Hour)); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("after its end: %v", err)
	}
	if _, err := Load(files(dir, "a"), now.Add(-3*time.Hour)); err == nil || !strings.Contains(err.Error(), "not yet valid") {
		t.Errorf("before its time: %v", err)
	}
}

func TestMakeOverwritesNothing(t *testing.T) {
	dir := made(t, time.Now(), time.Hour)
	if err := Make(dir, []Device{{"d", other}}, time.Now(), time.Hour); err == nil {
		t.Error("a second authority was made over the first")
	}
}
