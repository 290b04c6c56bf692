package links_test

import (
	"net/netip"
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// TestConditionOfIPv6: a Link shows why it has no link-local address.
func TestConditionOfIPv6(t *testing.T) {
	n, h := newNamespace(t)
	must(t, h.AddVeth(links.VethEnd{Name: "left"}, links.VethEnd{Name: "right"}))
	must(t, h.SetUp("right", true))
	must(t, h.SetUp("left", true))
	is := func(what string, want func(l links.Link) bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			l, err := h.Link("left")
			must(t, err)
			if want(l) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("never %s: %+v", what, l)
			}
		}
	}
	is("usable", func(l links.Link) bool { return l.LinkLocal.IsValid() && !l.Tentative && !l.Duplicate && !l.NoIPv6 })

	must(t, n.SetSysctl("ipv6/conf/left/disable_ipv6", "1"))
	is("switched off", func(l links.Link) bool { return !l.LinkLocal.IsValid() && l.NoIPv6 })
	must(t, n.SetSysctl("ipv6/conf/left/disable_ipv6", "0"))
	is("usable again", func(l links.Link) bool { return l.LinkLocal.IsValid() && !l.NoIPv6 })

	n.SetMTU(t, "left", 1200)
	is("too small for IPv6", func(l links.Link) bool { return !l.LinkLocal.IsValid() && l.NoIPv6 && l.MTU == 1200 })
	n.SetMTU(t, "left", 1500)
	is("usable with a larger MTU", func(l links.Link) bool { return l.LinkLocal.IsValid() && !l.NoIPv6 })

	// The other end of the cable already has this address, and answers Duplicate Address
	// Detection.
	taken := netip.MustParsePrefix("fe80::77/64")
	must(t, h.AddAddress("right", taken))
	l, err := h.Link("left")
	must(t, err)
	must(t, h.DeleteAddress("left", netip.PrefixFrom(l.LinkLocal, 64)))
	must(t, n.SetSysctl("ipv6/conf/left/accept_dad", "1"))
	show(t, n, "ip", "address", "add", taken.String(), "dev", "left")
	is("tentative or duplicate", func(l links.Link) bool { return !l.LinkLocal.IsValid() && (l.Tentative || l.Duplicate) })
	is("duplicate", func(l links.Link) bool { return !l.LinkLocal.IsValid() && l.Duplicate && !l.Tentative })
	testnet.Must(t, h.DeleteAddress("left", taken))
	is("without an address", func(l links.Link) bool { return !l.LinkLocal.IsValid() && !l.Tentative && !l.Duplicate })
}
