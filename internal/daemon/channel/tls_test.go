package channel

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/pki"
	"tandem/internal/rbs"
)

// certificates makes the certificates of a pair. Its devices, a and b, both have the loopback
// address.
func certificates(t *testing.T, notBefore time.Time, lifetime time.Duration) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pki")
	devices := []pki.Device{{Name: "a", Address: loopback}, {Name: "b", Address: loopback}}
	if err := pki.Make(dir, devices, notBefore, lifetime); err != nil {
		t.Fatal(err)
	}
	return dir
}

// policy returns a policy with the files of a device.
func policy(dir, name string) map[string]Policy {
	in := func(file string) string { return filepath.Join(dir, file) }
	return map[string]Policy{service: {Name: "pair", Files: pki.Files{
		CA: in(pki.CAFile), Certificate: in(pki.CertificateFile(name)), Key: in(pki.KeyFile(name)),
	}}}
}

// uses commits policies and returns the services that have changed.
func (e *end) uses(policies map[string]Policy) (changed []string) {
	e.t.Helper()
	if err := e.o.Loop.Turn(func() { changed = e.UsePolicies(policies) }); err != nil {
		e.t.Fatal(err)
	}
	return changed
}

// pairWith returns two ends, of which b listens, and the directory of their certificates.
func pairWith(t *testing.T, now time.Time) (a, b *end, port uint16, dir string) {
	t.Helper()
	a, b, dir = newEnd(t), newEnd(t), certificates(t, now.Add(-time.Hour), 90*24*time.Hour)
	a.uses(policy(dir, "a"))
	b.uses(policy(dir, "b"))
	return a, b, b.listens(0, loopback), dir
}

func TestTLSConnection(t *testing.T) {
	a, b, port, _ := pairWith(t, time.Now())
	atA, atB := connects(a, b, port)
	speak(a, b, atA, atB)
	for _, e := range []*end{a, b} {
		if got := e.Conditions(time.Now()); len(got) != 0 {
			t.Errorf("alarms: %v", got)
		}
	}
}

// TestDetour: the addresses in the certificates must be the configured ones, even if the
// connection uses other addresses.
func TestDetour(t *testing.T) {
	const names = "2001:db8::"
	dir := filepath.Join(t.TempDir(), "pki")
	at := func(name string) netip.Addr { return netip.MustParseAddr(names + name) }
	if err := pki.Make(dir, []pki.Device{{Name: "a", Address: at("a")}, {Name: "b", Address: at("b")}}, time.Now(), time.Hour); err != nil {
		t.Fatal(err)
	}
	a, b := newEnd(t), newEnd(t)
	a.uses(policy(dir, "a"))
	b.uses(policy(dir, "b"))
	ends := rbs.Ends{Local: loopback, Peer: loopback}
	b.asks(rbs.Effects{Listen: []rbs.Listen{{On: true, Ends: ends, Identity: at("a")}}})
	var port uint16
	_ = b.o.Loop.Turn(func() { port = b.byService[service].listener.socket.Addr().(*net.TCPAddr).AddrPort().Port() })
	a.asks(rbs.Effects{Dial: []rbs.Dial{{Ends: ends, Port: port, Identity: at("b")}}})
	speak(a, b, told[device.ChannelDialled](a).Conn, told[device.ChannelAccepted](b).Conn)

	a.asks(rbs.Effects{Dial: []rbs.Dial{{Ends: ends, Port: port, Identity: at("c")}}})
	if failed := told[device.ChannelDialFailed](a); !strings.Contains(failed.Reason, "TLS: the peer's certificate is refused") {
		t.Error(failed.Reason)
	}
}

// TestHandshakeFails: both ends get the reason.
func TestHandshakeFails(t *testing.T) {
	a, b, port, _ := pairWith(t, time.Now())
	strange := certificates(t, time.Now().Add(-time.Hour), 24*time.Hour)
	a.uses(policy(strange, "a"))
	a.dials(port)
	if failed := told[device.ChannelDialFailed](a); !strings.Contains(failed.Reason, "TLS: the peer's certificate is refused") {
		t.Error(failed.Reason)
	}
	if failed := told[device.ChannelHandshakeFailed](b); !strings.Contains(failed.Reason, "TLS: the peer refuses") {
		t.Error(failed.Reason)
	}

	a.uses(nil) // in clear
	a.dials(port)
	atA := told[device.ChannelDialled](a).Conn
	a.sends(atA, "hello, peer")
	if failed := told[device.ChannelHandshakeFailed](b); !strings.HasPrefix(failed.Reason, "TLS: the peer does not speak TLS") {
		t.Error(failed.Reason)
	}
}

// TestPolicyChanges: connections whose credentials have changed are closed, others are not.
func TestPolicyChanges(t *testing.T) {
	a, b, port, dir := pairWith(t, time.Now())
	atA, atB := connects(a, b, port)
	if changed := a.uses(policy(dir, "a")); len(changed) != 0 {
		t.Errorf("the same policy changes %v", changed)
	}
	changed := a.uses(nil)
	if !slices.Equal(changed, []string{service}) {
		t.Fatalf("no policy changes %v", changed)
	}
	if err := a.o.Loop.Turn(func() { a.Reconnect(changed) }); err != nil {
		t.Fatal(err)
	}
	if closed := told[device.ChannelClosed](a); closed.Conn != atA || closed.Reason != "the SSL policy has changed" {
		t.Errorf("%+v", closed)
	}
	if closed := told[device.ChannelClosed](b); closed.Conn != atB {
		t.Errorf("%+v", closed)
	}
}

// TestUnusableCredentials: a policy with unusable files is refused, unless it is in force. A
// service whose files could never be used does not connect until they can.
func TestUnusableCredentials(t *testing.T) {
	now := time.Now()
	a, b, port, dir := pairWith(t, now)
	expired := certificates(t, now.Add(-time.Hour), time.Minute)
	if err := a.CheckPolicies(policy(expired, "a")); err == nil || !strings.Contains(err.Error(), "ssl policy pair") || !strings.Contains(err.Error(), "expired") {
		t.Errorf("an expired certificate is taken: %v", err)
	}
	if err := a.CheckPolicies(policy(filepath.Join(dir, "nowhere"), "a")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("files that are not there are taken: %v", err)
	}

	install(t, dir, expired, "a") // the committed certificate has expired
	if err := a.CheckPolicies(policy(dir, "a")); err != nil {
		t.Errorf("a policy that is in force keeps other changes from being made: %v", err)
	}
	if changed := a.uses(policy(dir, "a")); len(changed) != 0 {
		t.Errorf("what was good before is not used any more: %v", changed)
	}
	if got := a.Conditions(now); len(got) != 1 || got[0].AlarmKind != event.CertificateEnds || !strings.Contains(got[0].Detail, "expired") {
		t.Errorf("alarms: %v", got)
	}
	connects(a, b, port)

	fresh := newEnd(t)
	fresh.uses(policy(dir, "a"))
	fresh.dials(port)
	if failed := told[device.ChannelDialFailed](fresh); !strings.Contains(failed.Reason, "TLS: ssl policy pair") {
		t.Error(failed.Reason)
	}
	good := certificates(t, now.Add(-time.Hour), time.Hour*24*90)
	install(t, dir, good, "a", "b")
	b.uses(policy(dir, "b"))
	connects(fresh, b, port)
	if got := fresh.Conditions(now.Add(70 * 24 * time.Hour)); len(got) != 1 || !strings.Contains(got[0].Detail, "ends on") {
		t.Errorf("alarms: %v", got)
	}
}

// install copies the files of the CA and of devices.
func install(t *testing.T, to, from string, names ...string) {
	t.Helper()
	files := []string{pki.CAFile}
	for _, name := range names {
		files = append(files, pki.CertificateFile(name), pki.KeyFile(name))
	}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(from, file))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, file), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
