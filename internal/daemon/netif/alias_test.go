package netif_test

import (
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// TestAliases: a name with a slash means the link that carries it as its alias. The
// configuration has to be built anew when that is another link than before.
func TestAliases(t *testing.T) {
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "ens3"}, links.VethEnd{Name: "ens4"}))
	for _, name := range []string{"ens3", "ens4"} { // the kernel tells of no alias while a link is down
		testnet.Must(t, r.node.Links.SetUp(name, true))
	}
	r.await("the links are up", func() bool { return r.told["ens3"].Up && r.told["ens4"].Up })
	const text = "interface GigabitEthernet0/1/0\n ipv6 enable\n ipv6 address 2001:db8::1/64\n"
	r.configure(text)
	r.carry("ens3")
	r.configure(text)
	r.await("the address is there", func() bool { return r.has("ens3", "2001:db8::1/64") })
	if r.rebuild {
		t.Error("built anew without a reason")
	}
	r.node.SetAlias(t, "ens3", "")
	r.await("nobody carries the name", func() bool { return r.Links().Netdev("GigabitEthernet0/1/0") != "ens3" })
	r.carry("ens4")
	r.configure(text)
	r.await("the address is there", func() bool { return r.has("ens4", "2001:db8::1/64") })
	r.noEvents()
}

// carry gives a link the alias and waits until the configuration is to be built anew.
func (r *rig) carry(netdev string) {
	r.t.Helper()
	r.node.SetAlias(r.t, netdev, "GigabitEthernet0/1/0")
	r.await(netdev+" means another link", func() bool { return r.rebuild })
	r.rebuild = false
}

// TestAliasOfALinkThatIsDown: the kernel does not tell that a link that is down gets an
// alias. The link is found all the same.
func TestAliasOfALinkThatIsDown(t *testing.T) {
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "ens3"}, links.VethEnd{Name: "ens4"}))
	r.await("the links are there", func() bool { return r.told["ens3"].Exists && r.told["ens4"].Exists })
	r.configure("interface GigabitEthernet0/1/0\n")
	r.node.SetAlias(t, "ens3", "GigabitEthernet0/1/0")
	if !r.Advance(time.Now().Add(time.Minute)) {
		t.Fatal("the alias is not noticed")
	}
	r.configure("interface GigabitEthernet0/1/0\n")
	r.await("the link is up", func() bool { return r.told["ens3"].AdminUp })
	if r.Advance(time.Now().Add(2*time.Minute)) || r.rebuild {
		t.Error("built anew without a reason")
	}
}
