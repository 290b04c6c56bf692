package settings

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem/internal/config"
	"tandem/internal/daemon/netif"
	"tandem/internal/device"
	"tandem/internal/mld"
)

// TestMLDSettings: the configured settings reach the router of their interface, and no other.
func TestMLDSettings(t *testing.T) {
	m, err := config.Parse(`
multicast ipv6 routing-enable
#
mld
 timer query 60
 robust-count 3
 limit 1000
 host-limit 500
 ssm-mapping ff3e::/32 2001:db8::5
#
acl ipv6 number 2000
 rule 5 permit source ff3e::/16
#
acl ipv6 number 2001
 rule 5 deny source fe80::bad/128
 rule 10 permit
#
acl ipv6 name gold advance
 rule 5 deny source 2001:db8::/32 destination ff3e::/32
#
interface eth1
 mld enable
 mld version 1
 mld timer query 30
 mld max-response-time 5
 mld lastlistener-queryinterval 2
 undo mld send-router-alert
 mld require-router-alert
 mld group-policy 2000
 mld ip-source-policy 2001
 mld query ip-source-policy acl6-name gold
 mld access-limit 7 except acl6-name gold
 mld prompt-leave group-policy acl6-name gold
 mld static-group ff3e::1 source 2001:db8::5
 mld static-group ff3e::2
 mld ssm-mapping enable
#
interface eth2
 mld enable
#
interface eth3
 mld proxy
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Translation{Model: m, Links: new(netif.Links)}.Device()
	if err != nil {
		t.Fatal(err)
	}
	shared := mld.DefaultConfig()
	shared.QueryInterval, shared.Robustness = time.Minute, 3
	gold := &mld.Policy{Name: "gold", Rules: []mld.PolicyRule{{
		Source: netip.MustParsePrefix("2001:db8::/32"), Group: netip.MustParsePrefix("ff3e::/32")}}}
	own := shared
	own.Version, own.QueryInterval, own.MaxResponse, own.LastListenerInterval = 1, 30*time.Second, 5*time.Second, 2*time.Second
	own.SendRouterAlert, own.RequireRouterAlert, own.PromptLeave = false, true, true
	own.GroupPolicy = &mld.Policy{Name: "2000", Rules: []mld.PolicyRule{{Permit: true, Group: netip.MustParsePrefix("ff3e::/16")}}}
	own.AccessLimit, own.AccessExcept, own.PromptPolicy = 7, gold, gold
	own.SourcePolicy = &mld.HostPolicy{Name: "2001", Rules: []mld.HostRule{{Hosts: netip.MustParsePrefix("fe80::bad/128")}, {Permit: true}}}
	own.QueryPolicy = &mld.HostPolicy{Name: "gold", Rules: []mld.HostRule{{Hosts: netip.MustParsePrefix("2001:db8::/32")}}}
	own.Static = []mld.StaticGroup{
		{Group: netip.MustParseAddr("ff3e::1"), Source: netip.MustParseAddr("2001:db8::5")},
		{Group: netip.MustParseAddr("ff3e::2")},
	}
	own.SSMMapping = []mld.Mapping{{Groups: netip.MustParsePrefix("ff3e::/32"), Source: netip.MustParseAddr("2001:db8::5")}}
	for _, c := range []*mld.Config{&own, &shared} { // two interfaces share the bounds
		c.MaxRecords, c.MaxEntries = c.MaxRecords/2, c.MaxEntries/2
		c.MaxHost = 500
	}
	upstream := shared
	upstream.MaxHost = mld.DefaultConfig().MaxHost
	want := map[string]device.InterfaceSettings{
		"eth1": {Netdev: "eth1", MLD: own},
		"eth2": {Netdev: "eth2", MLD: shared},
		"eth3": {Netdev: "eth3", Upstream: true, MLD: upstream},
	}
	address := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	prefix := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	if diff := cmp.Diff(want, got.Interfaces, address, prefix); diff != "" {
		t.Error(diff)
	}
	if got.RecordLimit != 1000 {
		t.Errorf("limit %d", got.RecordLimit)
	}
}

// TestBoundsAreShared: interfaces share the bounds of a device, but none gets too little.
func TestBoundsAreShared(t *testing.T) {
	for interfaces, want := range map[int][2]int{1: {1 << 20, 1 << 18}, 4: {1 << 18, 1 << 16}, 31: {1 << 16, 1 << 14}} {
		m := config.New()
		m.Multicast = true
		for i := range interfaces {
			name := config.InterfaceName(fmt.Sprintf("eth%d", i))
			m.Interfaces[name] = &config.Interface{Name: name}
			m.Interfaces[name].MLD.Enabled = true
		}
		m.Interfaces["up0"] = &config.Interface{Name: "up0"}
		m.Interfaces["up0"].MLD.Proxy = true
		for name, s := range (Translation{Model: m, Links: new(netif.Links)}).interfaces() {
			if got := [2]int{s.MLD.MaxRecords, s.MLD.MaxEntries}; got != want {
				t.Errorf("%d interfaces: %s has %v, want %v", interfaces, name, got, want)
			}
		}
	}
}
