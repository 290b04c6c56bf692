package pairtest

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// TestMixedModes tests all combinations of modes of the two members with real LACP: the
// switch's aggregate has the legs of those that are Master, and the listener is always served.
func TestMixedModes(t *testing.T) {
	p := newBondPair(t)
	p.start()
	p.aggregates("a", "b")
	group := netip.MustParseAddr("ff3e::8000:1")
	src := p.stream(group)
	l := p.join(group, sourceAddr)
	l.awaits(src)
	for _, c := range []struct {
		a, b    string
		masters []string
	}{
		{"force-master", "force-backup", []string{"a"}},
		{"force-backup", "force-master", []string{"b"}},
		{"auto", "force-master", []string{"a", "b"}}, // A is the Master device
		{"force-master", "auto", []string{"a"}},
		{"auto", "force-backup", []string{"a"}},
		{"force-master", "force-master", []string{"a", "b"}},
	} {
		from := src.position()
		p.a.configures("interface eth-trunk 10", "e-trunk mode "+c.a)
		p.b.configures("interface eth-trunk 10", "e-trunk mode "+c.b)
		p.aggregates(c.masters...)
		l.awaits(src)
		if c.b == "force-master" && len(c.masters) == 1 { // no device serves while it is away
			p.b.crash()
			p.b.start()
			p.aggregates(c.masters...)
			l.awaits(src)
		}
		t.Logf("A %s, B %s: the switch has %v, the stream was missing for %v meanwhile", c.a, c.b, c.masters,
			time.Duration(l.missed(from, src.position()-inFlight))*streamInterval)
	}
}

// vlanLines returns the configuration that moves the service to a sub-interface of the
// Eth-Trunk.
func vlanLines(device string) []string {
	return []string{"system-view",
		"interface eth-trunk 10", "undo mld enable", "undo remote-backup-profile", "undo ipv6 address", "quit",
		"interface eth-trunk 10.700", "vlan-type dot1q 700", "ipv6 enable", "ipv6 address " + addr("10", device).String() + "/64",
		"mld enable", "remote-backup-profile rbp1", "quit", "commit", "return"}
}

// TestAggregateWithVLAN: the hosts are in a VLAN of the aggregate. The devices serve them on a
// sub-interface of the Eth-Trunk. Each device fails and returns.
func TestAggregateWithVLAN(t *testing.T) {
	p := newBondPair(t)
	testnet.Must(t, p.host.Links.Release(lagLink))
	testnet.Must(t, p.host.Links.AddVLAN("hosts", lagLink, 700))
	testnet.Must(t, p.host.Links.AddPort(bridge, "hosts", links.PortOptions{}))
	testnet.Must(t, p.host.Links.SetUp("hosts", true))
	for _, d := range []*device{p.a, p.b} {
		d.start(slices.Concat(trunkLines(d.name), configuration(d.name), vlanLines(d.name))...)
	}
	p.aggregates("a", "b")
	src, listeners := p.serves()
	for d, left := range map[*device]string{p.a: "b", p.b: "a"} {
		from := src.position()
		d.crash()
		p.aggregates(left)
		for _, l := range listeners {
			l.awaits(src)
		}
		died := src.position()
		d.start()
		p.aggregates("a", "b")
		p.forms(len(listeners))
		p.counts("tandemd of "+d.name+" killed and back empty", listeners, from, died, src.position())
	}
}

// TestLossyPath: the path between the devices loses one packet in ten and delays the others.
// They go on sharing, agree on the listeners, and no listener notices.
func TestLossyPath(t *testing.T) {
	p := newBondPair(t)
	p.start()
	p.aggregates("a", "b")
	src, listeners := p.serves()
	before := [2]string{p.a.roles(), p.b.roles()}
	from := src.position()
	for _, d := range []*device{p.a, p.b} {
		d.Impair(t, coreLink, 0.1, 5*time.Millisecond, 2*time.Millisecond)
	}
	late := p.join(asmGroup, noSource)
	p.forms(len(listeners) + 1)
	late.leave()
	p.forms(len(listeners))
	keepsServing(p.a)
	keepsServing(p.b)
	for _, l := range listeners {
		l.awaits(src)
		if lost := l.missed(from, src.position()-inFlight); lost > 0 {
			t.Errorf("%s: %d packets were missed", l.group, lost)
		}
	}
	if after := [2]string{p.a.roles(), p.b.roles()}; after != before {
		t.Errorf("roles, duty or BFD changed\nfrom %q\nto   %q", before, after)
	}
}
