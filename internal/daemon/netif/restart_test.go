package netif_test

import (
	"net/netip"
	"slices"
	"testing"

	"tandem/internal/daemon/netif"
	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// TestRestartChangesNothing: after a graceful restart an Owner knows what was done before. It
// changes nothing until it has its configuration.
func TestRestartChangesNothing(t *testing.T) {
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "up0"}, links.VethEnd{Name: "far0"}))
	r.await("the link is there", func() bool { return r.told["up0"].Exists })
	r.configure(addressed + "#\ninterface far0\n shutdown\n")
	r.await("the address is there", func() bool { return r.has("up0", "2001:db8::1/64") })

	watcher, err := links.WatchIn(r.node.Do)
	testnet.Must(t, err)
	defer watcher.Close()
	r.restart()
	r.configure(addressed + "#\ninterface far0\n shutdown\n")
	r.node.SetAlias(t, "up0", "a change to wait for")
	for {
		changed, err := watcher.Read()
		testnet.Must(t, err)
		for _, l := range changed {
			if l.Name == "up0" && !slices.Contains(l.Addresses, netip.MustParsePrefix("2001:db8::1/64")) {
				t.Fatal("the address was gone for a while")
			}
		}
		if slices.ContainsFunc(changed, func(l links.Link) bool { return l.Alias != "" }) {
			break
		}
	}
	r.configure("interface up0\n#\ninterface far0\n")
	r.await("what was done before is undone", func() bool { return !r.has("up0", "2001:db8::1/64") && r.told["far0"].AdminUp })
	r.noEvents()
}

// TestRestartLooksAtLegs: after a restart the known state of a leg is reported at once.
// It is then read again, because LACP may not have settled at the restart.
func TestRestartLooksAtLegs(t *testing.T) {
	r := newLeg(t)
	r.Close()
	r.open(netif.State{Trunks: map[string]*netif.Trunk{"eth-trunk10": {Apart: true, Key: 7}}})
	if leg := r.told["eth-trunk10"]; !leg.Apart || leg.Key != 7 {
		t.Errorf("told: %+v", leg)
	}
	r.configure(member)
	if r.Due().IsZero() {
		t.Fatal("nobody looks at the legs")
	}
	r.Advance(r.Due())
	if leg := r.told["eth-trunk10"]; leg.Apart || leg.Key != 0 {
		t.Errorf("told of a bridge: %+v", leg)
	}
}
