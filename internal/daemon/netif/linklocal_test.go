package netif_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/event"
	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
	"tandem/internal/proof"
)

const listening = "interface up0\n ipv6 enable\n mld enable\n"

// newCable returns a rig with an interface that is up.
func newCable(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "up0"}, links.VethEnd{Name: "far0"}))
	testnet.Must(t, r.node.Links.SetUp("far0", true))
	testnet.Must(t, r.node.Links.SetUp("up0", true))
	r.await("the link is up", func() bool { return r.told["up0"].Up && r.told["up0"].LinkLocal.IsValid() })
	return r
}

func (r *rig) removeLinkLocal(link string, a netip.Addr) {
	r.t.Helper()
	testnet.Must(r.t, r.node.Links.DeleteAddress(link, netip.PrefixFrom(a, 64)))
}

// says reports whether an event was logged, and clears the log.
func (r *rig) says(kind *event.Kind) bool {
	told := slices.ContainsFunc(r.events, func(e event.Event) bool { return e.Kind == kind })
	r.events = nil
	return told
}

// TestLinkLocalReplaced: if another program removes the link-local address of a multicast
// interface, the interface is not reported as unable, because the daemon adds its own
// address at once. When another address is added, the daemon removes its own.
func TestLinkLocalReplaced(t *testing.T) {
	r := newCable(t)
	kernels := r.told["up0"].LinkLocal
	r.configure(listening)
	r.removeLinkLocal("up0", kernels)
	r.await("the address is another one", func() bool {
		if lacks := r.told["up0"].Lacks; lacks != proof.LacksNothing {
			t.Fatalf("told that %v", lacks)
		}
		return r.told["up0"].LinkLocal != kernels
	})
	ours := r.link("up0").LinkLocal
	if ours != r.told["up0"].LinkLocal || !r.says(event.LinkLocalAdded) {
		t.Errorf("the kernel has %v, told %v, events %v", ours, r.told["up0"].LinkLocal, r.events)
	}

	r.restart()
	r.configure(listening)
	if is := r.link("up0").LinkLocal; is != ours {
		t.Errorf("%v after a restart, before %v", is, ours)
	}
	testnet.Must(t, r.node.Links.AddAddress("up0", netip.MustParsePrefix("fe80::1/64")))
	r.await("the operator's is used", func() bool { return r.told["up0"].LinkLocal == netip.MustParseAddr("fe80::1") })
	if is := r.link("up0").LinkLocal; is != netip.MustParseAddr("fe80::1") || !r.says(event.LinkLocalRemoved) {
		t.Errorf("the kernel has %v", is)
	}
	r.noEvents()
}

// TestLinkLocalChanged: another program replaces the kernel's link-local address. The
// daemon adds none of its own, and reports no lack.
func TestLinkLocalChanged(t *testing.T) {
	r := newCable(t)
	r.configure(listening)
	testnet.Must(t, r.node.Links.DeleteAddress("up0", netip.PrefixFrom(r.told["up0"].LinkLocal, 64)))
	testnet.Must(t, r.node.Links.AddAddress("up0", netip.MustParsePrefix("fe80::1/64")))
	r.await("the operator's is used", func() bool {
		if lacks := r.told["up0"].Lacks; lacks != proof.LacksNothing {
			t.Fatalf("told that %v", lacks)
		}
		return r.told["up0"].LinkLocal == netip.MustParseAddr("fe80::1")
	})
	r.noEvents()
}

// TestLinkLocalAdded: an interface that appears without a link-local address gets one
// from the daemon. It is removed when it is no longer needed.
func TestLinkLocalAdded(t *testing.T) {
	for name, end := range map[string]func(r *rig){
		"no multicast interface any more": func(r *rig) { r.configure("interface up0\n ipv6 enable\n") },
		"forbidden":                       func(r *rig) { r.configure(listening + " undo ipv6 address auto link-local\n") },
		"the daemon ends":                 func(r *rig) { r.RemoveLinkLocals() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			testnet.Must(t, r.node.SetSysctl("ipv6/conf/default/addr_gen_mode", "1"))
			r.configure(listening)
			testnet.Must(t, r.node.Links.AddVeth(links.VethEnd{Name: "up0"}, links.VethEnd{Name: "far0"}))
			testnet.Must(t, r.node.Links.SetUp("far0", true))
			r.await("it is able", func() bool { return r.told["up0"].Up && r.told["up0"].LinkLocal.IsValid() })
			end(r)
			if l := r.link("up0"); l.LinkLocal.IsValid() {
				t.Errorf("the kernel has %v", l.LinkLocal)
			}
		})
	}
}

// TestLackTold: a lack that the daemon cannot repair is reported, and so is its end.
func TestLackTold(t *testing.T) {
	r := newCable(t)
	lacks := func(want proof.Lack) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); r.told["up0"].Lacks != want; {
			if time.Now().After(end) {
				t.Fatalf("told that %v, want %v", r.told["up0"].Lacks, want)
			}
			select {
			case changed := <-r.changes:
				r.Update(changed)
			case <-time.After(10 * time.Millisecond):
				r.Advance(r.Due())
			}
		}
	}
	r.configure(listening)
	testnet.Must(t, r.node.SetSysctl("ipv6/conf/up0/disable_ipv6", "1"))
	lacks(proof.LacksIPv6)
	testnet.Must(t, r.node.SetSysctl("ipv6/conf/up0/disable_ipv6", "0"))
	lacks(proof.LacksNothing)
	r.node.SetMTU(t, "up0", 1200)
	lacks(proof.LacksMTU)
	r.node.SetMTU(t, "up0", 1500)
	lacks(proof.LacksNothing)
	r.configure(listening + " undo ipv6 address auto link-local\n")
	r.removeLinkLocal("up0", r.link("up0").LinkLocal)
	lacks(proof.LacksLinkLocal)
	r.configure(listening)
	lacks(proof.LacksNothing)
}
