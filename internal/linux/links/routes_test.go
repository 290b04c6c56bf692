package links_test

import (
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/links"
)

// TestRoutes: the routes of ip(8) are read back, each way of one with several.
func TestRoutes(t *testing.T) {
	n, h := newNamespace(t)
	must(t, h.AddVeth(links.VethEnd{Name: "left"}, links.VethEnd{Name: "right"}))
	must(t, h.SetUp("right", true))
	must(t, h.SetUp("left", true))
	must(t, h.AddAddress("left", netip.MustParsePrefix("2001:db8:1::1/64")))
	for _, line := range []string{
		"2001:db8:2::/48 via 2001:db8:1::2 metric 7",
		"unreachable 2001:db8:3::/48",
		"2001:db8:4::/48 nexthop via 2001:db8:1::2 dev left nexthop via 2001:db8:1::3 dev left",
		"2001:db8:5::/48 via 2001:db8:1::2 table 77",
	} {
		n.In(t, func() error {
			return exec.Command("ip", append([]string{"-6", "route", "add"}, strings.Fields(line)...)...).Run()
		})
	}
	left, err := h.Link("left")
	must(t, err)
	routes, err := h.Routes()
	must(t, err)
	wants := func(prefix string, r links.Route) {
		t.Helper()
		r.Destination = netip.MustParsePrefix(prefix)
		if !slices.Contains(routes, r) {
			t.Errorf("no %+v in %+v", r, routes)
		}
	}
	hop := netip.MustParseAddr
	wants("2001:db8:1::/64", links.Route{Index: left.Index, Metric: 256, Protocol: unix.RTPROT_KERNEL, Kind: unix.RTN_UNICAST, Table: unix.RT_TABLE_MAIN})
	wants("2001:db8:2::/48", links.Route{NextHop: hop("2001:db8:1::2"), Index: left.Index, Metric: 7, Protocol: unix.RTPROT_BOOT, Kind: unix.RTN_UNICAST, Table: unix.RT_TABLE_MAIN})
	wants("2001:db8:4::/48", links.Route{NextHop: hop("2001:db8:1::2"), Index: left.Index, Metric: 1024, Protocol: unix.RTPROT_BOOT, Kind: unix.RTN_UNICAST, Table: unix.RT_TABLE_MAIN})
	wants("2001:db8:4::/48", links.Route{NextHop: hop("2001:db8:1::3"), Index: left.Index, Metric: 1024, Protocol: unix.RTPROT_BOOT, Kind: unix.RTN_UNICAST, Table: unix.RT_TABLE_MAIN})
	wants("2001:db8:5::/48", links.Route{NextHop: hop("2001:db8:1::2"), Index: left.Index, Metric: 1024, Protocol: unix.RTPROT_BOOT, Kind: unix.RTN_UNICAST, Table: 77})
	if !slices.ContainsFunc(routes, func(r links.Route) bool {
		return r.Kind == unix.RTN_UNREACHABLE && r.Destination == netip.MustParsePrefix("2001:db8:3::/48")
	}) {
		t.Errorf("the unreachable one is missing in %+v", routes)
	}
}
