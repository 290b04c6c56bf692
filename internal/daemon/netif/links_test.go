package netif

import (
	"testing"

	"tandem/internal/config"
	"tandem/internal/linux/links"
)

// TestTrunkFollowsItsPorts: a bond counts as down when its last port is down, whatever
// state the kernel shows for the bond.
func TestTrunkFollowsItsPorts(t *testing.T) {
	bond := links.Link{Name: "eth-trunk10", Index: 7, Exists: true, Up: true, Bond: &links.Bond{Mode: links.BondLACP}}
	port := func(name string, master int, up bool) links.Link {
		return links.Link{Name: name, Exists: true, Master: master, Up: up}
	}
	for _, c := range []struct {
		when  string
		ports []links.Link
		want  bool
	}{
		{"both ports are up", []links.Link{port("p0", 7, true), port("p1", 7, true)}, true},
		{"one is", []links.Link{port("p0", 7, false), port("p1", 7, true)}, true},
		{"none is", []links.Link{port("p0", 7, false), port("p1", 7, false)}, false},
		{"another bond's is", []links.Link{port("p0", 7, false), port("p1", 8, true)}, false},
	} {
		var l Links
		l.Update(append(c.ports, bond))
		if got := l.Carries(bond); got != c.want {
			t.Errorf("when %s the bond carries: %v", c.when, got)
		}
	}
}

// TestNamesOfLinks: a link is found by its Linux name, by its index and, for a name with a
// slash, by its alias. A link that is gone is not found.
func TestNamesOfLinks(t *testing.T) {
	var l Links
	l.Update([]links.Link{
		{Name: "ens3", Index: 3, Exists: true, Alias: "GigabitEthernet0/1/0"},
		{Name: "vpna", Index: 4, Exists: true, VRF: 10000},
		{Name: "vpnb", Index: 5, Exists: true},
	})
	if got := l.Get("ens3").Index; got != 3 {
		t.Errorf("index %d", got)
	}
	if got := l.Name(3); got != "ens3" {
		t.Errorf("name %q", got)
	}
	for name, want := range map[config.InterfaceName]string{
		"GigabitEthernet0/1/0": "ens3", "GigabitEthernet0/1/1": "GigabitEthernet0/1/1",
		"Eth-Trunk10.100": "eth-trunk10.100", "ens3": "ens3",
	} {
		if got := l.Netdev(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if a, b := l.VRF("vpna"), l.VRF("vpnb"); a != 4 || b != 0 {
		t.Errorf("VRFs %d and %d", a, b)
	}
	l.Update([]links.Link{{Name: "ens3", Index: 3, Alias: "GigabitEthernet0/1/0"}})
	if l.Get("ens3").Exists || l.Name(3) != "" || l.Netdev("GigabitEthernet0/1/0") == "ens3" {
		t.Error("a link that is gone is found")
	}
}
