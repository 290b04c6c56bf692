package netif_test

import (
	"net/netip"
	"slices"
	"testing"

	"tandem/internal/daemon/netif"
	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

const addressed = `
interface up0
 ipv6 enable
 ipv6 address 2001:db8::1/64
`

// TestAddresses: configured addresses are added when the interface exists, and removed
// with their configuration. Addresses of other programs stay.
func TestAddresses(t *testing.T) {
	r := newRig(t)
	r.configure(addressed)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "up0"}, links.VethEnd{Name: "far0"}))
	testnet.Must(t, r.node.Links.AddAddress("up0", netip.MustParsePrefix("2001:db8:f::1/64")))
	r.await("the interface is up with its address", func() bool { return r.told["up0"].AdminUp && r.has("up0", "2001:db8::1/64") })

	testnet.Must(t, r.node.Links.DeleteAddress("up0", netip.MustParsePrefix("2001:db8::1/64")))
	r.await("the address is gone", func() bool { return !r.has("up0", "2001:db8::1/64") })
	r.await("the address is mended", func() bool { return r.has("up0", "2001:db8::1/64") })

	r.configure("interface up0\n")
	r.await("the address is undone", func() bool { return !r.has("up0", "2001:db8::1/64") })
	if !r.has("up0", "2001:db8:f::1/64") {
		t.Error("an address of somebody else is gone")
	}
	r.noEvents()
}

// TestTwoNamesOfOneInterface: two configured names mean the same link. The addresses of
// each do not remove those of the other.
func TestTwoNamesOfOneInterface(t *testing.T) {
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "up0"}, links.VethEnd{Name: "far0"}))
	r.node.SetAlias(t, "up0", "GigabitEthernet0/1/0")
	testnet.Must(t, r.node.Links.SetUp("up0", true))
	r.await("the link is up", func() bool { return r.told["up0"].AdminUp && r.Links().Netdev("GigabitEthernet0/1/0") == "up0" })
	both := addressed + `#
interface GigabitEthernet0/1/0
 ipv6 enable
 ipv6 address 2001:db8:2::1/64
`
	r.configure(both)
	r.configure(both)
	is := r.link("up0").Addresses
	for _, want := range []string{"2001:db8::1/64", "2001:db8:2::1/64"} {
		if !slices.Contains(is, netip.MustParsePrefix(want)) {
			t.Errorf("%s is missing: %v", want, is)
		}
	}
}

// TestShutdown: an interface with `shutdown` stays down, whichever program sets it up.
// Any other interface is set up once and then left to other programs.
func TestShutdown(t *testing.T) {
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "up0"}, links.VethEnd{Name: "far0"}))
	r.await("the link is there", func() bool { return r.told["up0"].Exists })
	r.configure("interface up0\n")
	r.await("it is up", func() bool { return r.told["up0"].AdminUp })
	testnet.Must(t, r.node.Links.SetUp("up0", false))
	r.await("somebody sets it down", func() bool { return !r.told["up0"].AdminUp })
	r.configure("interface up0\n")
	if r.link("up0").AdminUp {
		t.Error("it was set up a second time")
	}

	r.configure("interface up0\n shutdown\n")
	testnet.Must(t, r.node.Links.SetUp("up0", true))
	r.await("somebody sets it up", func() bool { return r.told["up0"].AdminUp })
	r.await("it is down again", func() bool { return !r.told["up0"].AdminUp })
	r.configure("interface up0\n")
	r.await("it is up when that is undone", func() bool { return r.told["up0"].AdminUp })
	r.noEvents()
}

// TestInterfacesShown: displays list the configured interfaces first, including absent
// ones, then the others.
func TestInterfacesShown(t *testing.T) {
	r := newLeg(t)
	infos := r.Interfaces()
	r.node.In(t, func() error { return netif.CountTraffic(infos) })
	var names []string
	for _, i := range infos {
		names = append(names, i.Name)
		if !i.Exists || i.Netdev == "" || i.MAC == "" {
			t.Errorf("shown: %+v", i)
		}
	}
	if want := []string{"Eth-Trunk10", "far0", "lo", "switch0"}; !slices.Equal(names, want) {
		t.Errorf("listed %v, want %v", names, want)
	}
	r.configure("interface up0\n")
	if absent := r.Interfaces()[0]; absent.Name != "up0" || absent.Exists || absent.Netdev != "" {
		t.Errorf("shown: %+v", absent)
	}
}
