package settings

import (
	"maps"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/config"
	"tandem/internal/daemon/channel"
	"tandem/internal/daemon/hello"
	"tandem/internal/daemon/netif"
	"tandem/internal/etrunk"
	"tandem/internal/fib"
	"tandem/internal/linux/links"
	"tandem/internal/pki"
)

// TestHellos: an E-Trunk has a socket for each path whose VPN instance exists.
func TestHellos(t *testing.T) {
	at, peer := netip.MustParseAddr("2001:db8::a"), netip.MustParseAddr("2001:db8::b")
	heartbeat := etrunk.Path{Local: netip.MustParseAddr("2001:db8:1::a"), Peer: netip.MustParseAddr("2001:db8:1::b")}
	absent := etrunk.Path{Local: heartbeat.Local, Peer: heartbeat.Peer, VPN: "blue"}
	var known netif.Links
	known.Update([]links.Link{{Name: "red", Index: 7, Exists: true, VRF: 10_000}})
	m := config.New()
	m.ETrunkPort = 1025
	for id, e := range map[uint32]config.ETrunk{
		1: {Local: at, Peer: peer, Heartbeats: []etrunk.Path{heartbeat, absent}}, 2: {Local: at, Peer: peer, VPN: "red"},
		3: {Local: at, Peer: peer, VPN: "blue"}, 4: {},
	} {
		e.ID = id
		m.ETrunks[id] = &e
	}
	want := map[hello.Address]hello.Binding{
		{Local: at}:              {Port: 1025},
		{Local: heartbeat.Local}: {Port: 1025},
		{Local: at, VPN: "red"}:  {Port: 1025, VRF: 7},
	}
	translation := Translation{Model: m, Links: &known}
	if got := translation.Hellos(); !maps.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	m.VPNs["red"] = &config.VPNInstance{}
	for address, binding := range translation.Hellos() {
		if !binding.Share {
			t.Errorf("%+v is not shared, though there are VPN instances", address)
		}
	}
}

func TestPolicies(t *testing.T) {
	m := config.New()
	m.SSLPolicies["pair"] = &config.SSLPolicy{Name: "pair", CA: "ca", Certificate: "cert", Key: "key"}
	m.Services["secure"] = &config.Service{SSLPolicy: "pair"}
	m.Services["clear"] = &config.Service{}
	want := map[string]channel.Policy{"secure": {Name: "pair", Files: pki.Files{CA: "ca", Certificate: "cert", Key: "key"}}}
	if got := (Translation{Model: m}).Policies(); !maps.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestMulticast(t *testing.T) {
	m := config.New()
	m.Interfaces["eth1"] = &config.Interface{Name: "eth1"}
	m.Interfaces["eth2"] = &config.Interface{Name: "eth2"}
	m.Interfaces["eth2"].MLD.Enabled = true
	m.Interfaces["eth3"] = &config.Interface{Name: "eth3"}
	m.Interfaces["eth3"].MLD.Proxy = true
	translation := Translation{Model: m, Links: new(netif.Links)}
	if got := translation.Multicast().Names; len(got) != 0 {
		t.Errorf("not enabled globally: %v", got)
	}
	m.Multicast = true
	got := translation.Multicast()
	slices.Sort(got.Names)
	if !slices.Equal(got.Names, []string{"eth2", "eth3"}) || got.Upstream != "eth3" {
		t.Errorf("%+v", got)
	}
}

// TestGuarded: control traffic is refused on interfaces towards hosts, except where a
// peer is: in a network of the interface, or by a BFD session bound to it.
func TestGuarded(t *testing.T) {
	peer := netip.MustParseAddr("2001:db8:c::b")
	for name, tc := range map[string]struct {
		change  func(m *config.Model, i *config.Interface)
		guarded bool
	}{
		"no peer": {func(*config.Model, *config.Interface) {}, true},
		"peers elsewhere": {func(m *config.Model, i *config.Interface) {
			i.Addresses = []netip.Prefix{netip.MustParsePrefix("2001:db8:10::a/64")}
			m.ETrunks[1] = &config.ETrunk{ID: 1, Local: netip.MustParseAddr("2001:db8:c::a"), Peer: peer}
			m.Services["rbs1"] = &config.Service{Peer: peer, Port: 7000}
			m.Sessions["core"] = &config.BFDSession{Peer: peer}
		}, true},
		"an E-Trunk's peer": {func(m *config.Model, i *config.Interface) {
			i.Addresses = []netip.Prefix{netip.MustParsePrefix("2001:db8:c::a/64")}
			m.ETrunks[1] = &config.ETrunk{ID: 1, Local: netip.MustParseAddr("2001:db8:c::a"), Peer: peer}
		}, false},
		"a service's peer": {func(m *config.Model, i *config.Interface) {
			i.Addresses = []netip.Prefix{netip.MustParsePrefix("2001:db8:c::a/64")}
			m.Services["rbs1"] = &config.Service{Peer: peer, Port: 7000}
		}, false},
		"a session on the interface": {func(m *config.Model, i *config.Interface) {
			m.Sessions["hosts"] = &config.BFDSession{Interface: i.Name}
		}, false},
		"a link-local peer": {func(m *config.Model, _ *config.Interface) {
			m.Sessions["hosts"] = &config.BFDSession{Peer: netip.MustParseAddr("fe80::1")}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := config.New()
			m.Multicast = true
			i := &config.Interface{Name: "eth2"}
			i.MLD.Enabled = true
			m.Interfaces["eth2"] = i
			tc.change(m, i)
			got := Translation{Model: m, Links: new(netif.Links)}.Multicast()
			if slices.Contains(got.Guarded, "eth2") != tc.guarded {
				t.Errorf("guarded %v", got.Guarded)
			}
			for _, s := range m.Services {
				if !slices.Contains(got.Control, fib.Port{Protocol: unix.IPPROTO_TCP, Number: s.Port}) {
					t.Errorf("ports %v", got.Control)
				}
			}
		})
	}
}
