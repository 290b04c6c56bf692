package netif_test

import (
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// TestAliases: a name with a slash refers to the link that has it as its alias. If that becomes
// another link, the configuration must be built again.
func TestAliases(t *testing.T) {
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "ens3"}, links.VethEnd{Name: "ens4"}))
	for _, name := range []string{"ens3", "ens4"} { // the kernel does not report an alias of a link that is down
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

// carry gives a link the alias and waits until a rebuild is asked for.
func (r *rig) carry(netdev string) {
	r.t.Helper()
	r.node.SetAlias(r.t, netdev, "GigabitEthernet0/1/0")
	r.await(netdev+" means another link", func() bool { return r.rebuild })
	r.rebuild = false
}

// TestAliasOfALinkThatIsDown: a link is found by its alias even if it got the alias while it
// was down, which the kernel does not report.
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
