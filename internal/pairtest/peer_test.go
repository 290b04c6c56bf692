package pairtest

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"tandem/internal/linux/testnet"
)

// replaced returns a copy of lines with a text replaced everywhere.
func replaced(lines []string, old, by string) []string {
	changed := slices.Clone(lines)
	for i, line := range changed {
		if line == old {
			changed[i] = by
		}
	}
	return changed
}

// alone waits until a device has declared its peer lost while hellos of the peer are dropped,
// as the counter shows.
func alone(d *device, dropped func(trunkFacts) uint64) {
	d.t.Helper()
	eventually(d.t, "device "+d.name+" drops what it hears", func() error {
		t, err := d.trunk()
		switch {
		case err != nil:
			return err
		case t.PeerAlive:
			d.t.Fatalf("device %s believes its peer", d.name)
		case t.State != "Master" || t.Cause != "TIMEOUT":
			return fmt.Errorf("device %s is %s because of %s", d.name, t.State, t.Cause)
		case dropped(t) < 3 || dropped(t) != t.Dropped:
			return fmt.Errorf("device %s has dropped %d of %d for the cause looked for", d.name, dropped(t), t.Dropped)
		}
		return nil
	})
}

func TestWrongSecurityKey(t *testing.T) {
	p := newPair(t)
	p.a.start(configuration("a")...)
	p.b.start(replaced(configuration("b"), "security-key simple Pair-Test-1", "security-key simple Wrong-1")...)

	for _, d := range []*device{p.a, p.b} {
		alone(d, func(f trunkFacts) uint64 { return f.BadDigest })
		before, err := d.trunk()
		testnet.Must(t, err)
		eventually(t, "device "+d.name+" drops on", func() error {
			f, err := d.trunk()
			if err == nil && f.BadDigest < before.BadDigest+2 {
				err = fmt.Errorf("%d dropped", f.BadDigest)
			}
			if f.State != before.State || f.PeerAlive {
				t.Errorf("device %s became %s, peer alive %v", d.name, f.State, f.PeerAlive)
			}
			return err
		})
		contains(t, d.shows("e-trunk 1"), "Bad digest : ")
	}

	p.b.configures("e-trunk 1", "security-key simple Pair-Test-1")
	p.forms(0)
}

func TestWrongETrunkPeer(t *testing.T) {
	p := newPair(t)
	// A BFD session must be between the same two addresses.
	wrong := slices.DeleteFunc(configuration("a"), func(l string) bool { return l == "e-trunk track bfd-session" })
	wrong = replaced(wrong, "peer-ipv6 2001:db8:c::b source-ipv6 2001:db8:c::a", "peer-ipv6 2001:db8:c::bad source-ipv6 2001:db8:c::a")
	p.a.start(wrong...)
	p.b.start(configuration("b")...)

	alone(p.a, func(f trunkFacts) uint64 { return f.WrongAddr })
	contains(t, p.a.shows("e-trunk 1"), "Wrong address : ")
	f, err := p.b.trunk()
	testnet.Must(t, err)
	if f.PeerAlive || f.Received != 0 {
		t.Errorf("device b has received %d hellos", f.Received)
	}

	p.a.configures("e-trunk 1", "peer-ipv6 2001:db8:c::b source-ipv6 2001:db8:c::a")
	p.forms(0)
}

// TestBFDElsewhere: a BFD session between other addresses than the E-Trunk's cannot
// monitor the peer.
func TestBFDElsewhere(t *testing.T) {
	p := newPair(t)
	p.a.start(configuration("a")...)
	p.a.types("system-view", "e-trunk 1", "peer-ipv6 2001:db8:c::bad source-ipv6 2001:db8:c::a")
	contains(t, p.a.refuses("commit"), "Error: e-trunk 1: ")
	if current := p.a.shows("current-configuration"); strings.Contains(current, "bad") {
		t.Errorf("the refused configuration is shown:\n%s", current)
	}
}

func TestWrongServicePeer(t *testing.T) {
	p := newPair(t)
	p.a.start(replaced(configuration("a"), "peer-ipv6 2001:db8:c::b source-ipv6 2001:db8:c::a port 7000",
		"peer-ipv6 2001:db8:c::bad source-ipv6 2001:db8:c::a port 7000")...)
	p.b.start(configuration("b")...)

	eventually(t, "device a refuses the connection", func() error {
		s, err := p.a.service()
		if err == nil && (s.TCP != "Listening" || s.Refused < 2 || !strings.Contains(s.LastError, "2001:db8:c::b")) {
			err = fmt.Errorf("%+v", s)
		}
		return err
	})
	eventually(t, "device b says that it was refused", func() error {
		s, err := p.b.service()
		if err == nil && (s.TCP == "Connected" && s.InSync || s.LastError == "") {
			err = fmt.Errorf("%+v", s)
		}
		return err
	})
	a, _ := p.a.service()
	b, _ := p.b.service()
	t.Logf("device a: %q, device b: %q", a.LastError, b.LastError)

	p.a.configures("remote-backup-service rbs1", "peer-ipv6 2001:db8:c::b source-ipv6 2001:db8:c::a port 7000")
	p.forms(0)
}

// TestServicePortInUse: the listening device retries until it gets the port.
func TestServicePortInUse(t *testing.T) {
	p := newPair(t)
	var other net.Listener
	p.a.In(t, func() (err error) {
		other, err = new(net.ListenConfig).Listen(t.Context(), "tcp6", "[2001:db8:c::a]:7000")
		return err
	})
	defer other.Close()
	p.a.start(configuration("a")...)
	p.b.start(configuration("b")...)

	eventually(t, "device a says that the port is in use", func() error {
		s, err := p.a.service()
		if err == nil && (s.ListenFail < 2 || !strings.Contains(s.LastError, "[2001:db8:c::a]:7000: bind: address already in use")) {
			err = fmt.Errorf("%+v", s)
		}
		return err
	})
	contains(t, p.a.shows("remote-backup-service rbs1"), "address already in use")

	testnet.Must(t, other.Close())
	p.forms(0)
}
