package pairtest

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/linux/testnet"
	"tandem/internal/pki"
)

// certificates makes the certificates of the pair, and of a stranger with the same addresses.
func certificates(t *testing.T, notBefore time.Time, lifetime time.Duration) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pki")
	testnet.Must(t, pki.Make(dir, []pki.Device{
		{Name: "a", Address: netip.MustParseAddr("2001:db8:c::a")},
		{Name: "b", Address: netip.MustParseAddr("2001:db8:c::b")},
	}, notBefore, lifetime))
	return dir
}

// policy returns the configuration that makes a device use the files in a directory.
func policy(dir, authority, device string) []string {
	return []string{
		"ssl policy pair",
		"trusted-ca load pem-ca " + filepath.Join(authority, pki.CAFile),
		fmt.Sprintf("certificate load pem-cert %s key-file %s",
			filepath.Join(dir, pki.CertificateFile(device)), filepath.Join(dir, pki.KeyFile(device))),
		"quit", "remote-backup-service rbs1", "bind ssl-policy pair",
	}
}

// synchronised waits until both devices are synchronised, and the display and the log say
// whether they use TLS.
func (p *pair) synchronised(how string) {
	p.a.t.Helper()
	logged := "Event=connected Reason=" + strconv.Quote(strings.Replace(how, "clear", "in clear", 1))
	for _, d := range []*device{p.a, p.b} {
		eventually(d.t, "device "+d.name+" is synchronised", func() error {
			s, err := d.service()
			switch {
			case err != nil:
				return err
			case !s.InSync:
				return fmt.Errorf("%s, %s", s.TCP, s.LastError)
			case d.logged(logged) == 0:
				return errors.New("the log does not say how they speak")
			}
			return nil
		})
		contains(d.t, d.shows("remote-backup-service rbs1"), ": "+how+"\n")
	}
}

// complains waits until the display and the log of a device show why it has no
// connection.
func (d *device) complains(about string) {
	d.t.Helper()
	eventually(d.t, "device "+d.name+" complains about: "+about, func() error {
		s, err := d.service()
		if err == nil && (s.InSync || !strings.Contains(s.LastError, about)) {
			err = fmt.Errorf("in sync %v, last error %q", s.InSync, s.LastError)
		}
		if err == nil && d.logged(about) == 0 {
			err = errors.New("the log does not say so")
		}
		return err
	})
}

// TestTLS changes the channel from TLS by the certificates of the devices to clear text, then to
// TLS by an SSL policy, and tests certificates with faults. B connects, A listens.
func TestTLS(t *testing.T) {
	p := newPair(t)
	now := time.Now()
	good, strange := certificates(t, now.Add(-time.Hour), 24*time.Hour), certificates(t, now.Add(-time.Hour), 24*time.Hour)
	brief := certificates(t, now.Add(-time.Hour), time.Hour-time.Second)
	for _, d := range []*device{p.a, p.b} {
		d.start(configuration(d.name)...)
	}
	p.synchronised("TLS 1.3")
	for _, d := range []*device{p.a, p.b} {
		contains(t, d.shows("remote-backup-service rbs1"), "Verified-By          : the hellos of E-Trunk 1\n")
	}

	p.a.configures("remote-backup-service rbs1", "transport plaintext")
	p.b.complains("TLS: the peer does not speak TLS")
	p.b.raises("RBS_PEER_NOT_TRUSTED")
	p.b.configures("remote-backup-service rbs1", "transport plaintext")
	p.synchronised("clear")
	contains(t, p.b.shows("remote-backup-service rbs1"), "Verified-By          : nothing: it is configured to be in clear\n")
	for _, d := range []*device{p.a, p.b} {
		d.hasAlarms()
	}

	p.a.configures(append(policy(good, good, "a"), "undo transport plaintext")...)
	p.a.complains("TLS: the peer does not speak TLS")
	p.b.configures(append(policy(good, good, "b"), "undo transport plaintext")...)
	p.synchronised("TLS 1.3")

	p.b.configures(policy(strange, strange, "b")...)
	p.b.complains("TLS: the peer's certificate is refused: x509: certificate signed by unknown authority")
	p.a.complains("TLS: the peer refuses this device's certificate")

	// B accepts A's certificate, but has none that A would accept.
	p.b.types("system-view")
	p.b.types(policy(strange, good, "b")...)
	contains(t, p.b.refuses("commit"), "certificate signed by unknown authority")
	p.b.types("clear configuration candidate", "return")

	p.b.types("system-view")
	p.b.types(policy(brief, brief, "b")...)
	contains(t, p.b.refuses("commit"), "certificate has expired")
	p.b.types("clear configuration candidate", "return")

	p.b.types("system-view")
	p.b.types(policy(good+"-not-there", good, "b")...)
	contains(t, p.b.refuses("commit"), "no such file")
	p.b.types("clear configuration candidate", "return")

	// A's certificate is for another address than the one that A uses.
	p.b.configures(policy(good, good, "b")...)
	p.synchronised("TLS 1.3")
	p.a.configures(policy(good, good, "b")...)
	p.b.complains("certificate is valid for 2001:db8:c::b, not 2001:db8:c::a")
	p.a.complains("the peer refuses this device's certificate")

	for _, d := range []*device{p.a, p.b} {
		d.configures("remote-backup-service rbs1", "undo bind ssl-policy", "quit", "undo ssl policy pair")
	}
	p.synchronised("TLS 1.3")
}

// TestCertificateThatIsOfNoUse: if files have become unusable since their commit, the device
// cannot reach its peer, but it starts and accepts other commits. When the files are usable
// again, so is the channel. This is tested for the connecting end, then for the listening end.
func TestCertificateThatIsOfNoUse(t *testing.T) {
	p := newPair(t)
	now := time.Now()
	good, brief := certificates(t, now.Add(-time.Hour), 40*24*time.Hour), certificates(t, now.Add(-time.Hour), time.Hour-time.Second)
	ending := certificates(t, now.Add(-time.Hour), 24*time.Hour)
	inUse := map[*device]string{p.a: t.TempDir(), p.b: t.TempDir()}
	install := func(d *device, from string) {
		for _, file := range []string{pki.CAFile, pki.CertificateFile(d.name), pki.KeyFile(d.name)} {
			b, err := os.ReadFile(filepath.Join(from, file))
			testnet.Must(t, err)
			testnet.Must(t, os.WriteFile(filepath.Join(inUse[d], file), b, 0o600))
		}
	}
	for _, d := range []*device{p.a, p.b} {
		install(d, good)
		d.start(configuration(d.name)...)
		d.configures(policy(inUse[d], inUse[d], d.name)...)
	}
	p.synchronised("TLS 1.3")
	for _, d := range []*device{p.b, p.a} {
		peer := p.a
		if d == p.a {
			peer = p.b
		}
		install(d, brief)
		d.configures("e-trunk 1", "description in spring")
		p.synchronised("TLS 1.3") // with the credentials that it had
		d.hasAlarms("SSL_CERT_ENDS")
		contains(t, d.shows("alarm active"), "certificate has expired")
		d.kill()
		d.start()
		d.complains("TLS: ssl policy pair: certificate " + filepath.Join(inUse[d], pki.CertificateFile(d.name)) + ": x509: certificate has expired")
		eventually(t, "the peer is heard", func() error {
			f, err := d.trunk()
			if err == nil && !f.PeerAlive {
				err = fmt.Errorf("%+v", f)
			}
			return err
		})
		d.configures("e-trunk 1", "description in summer")
		if d == p.a {
			peer.complains("TLS: the peer ended the handshake without a word")
		}
		install(d, good)
		p.synchronised("TLS 1.3")
		d.hasAlarms()
	}
	for _, d := range []*device{p.a, p.b} {
		install(d, ending)
		d.configures("e-trunk 1", "description in autumn")
	}
	p.synchronised("TLS 1.3")
	for _, d := range []*device{p.a, p.b} {
		d.hasAlarms("SSL_CERT_ENDS")
		contains(t, d.shows("alarm active"), "ends on "+now.Add(23*time.Hour).UTC().Format(time.DateOnly))
	}
}
