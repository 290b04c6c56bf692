package netif

import (
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/links"
	"tandem/internal/state"
)

// protocols names the programs that set routes, in VRP's words where VRP has a word.
var protocols = map[uint8]string{
	unix.RTPROT_KERNEL: "Direct", unix.RTPROT_RA: "RA", unix.RTPROT_STATIC: "Static", unix.RTPROT_BOOT: "Static", unix.RTPROT_REDIRECT: "Redirect",
	unix.RTPROT_ZEBRA: "Zebra", unix.RTPROT_BIRD: "BIRD", unix.RTPROT_DHCP: "DHCP", unix.RTPROT_BABEL: "Babel",
	unix.RTPROT_BGP: "BGP", unix.RTPROT_ISIS: "ISIS", unix.RTPROT_OSPF: "OSPFv3", unix.RTPROT_RIP: "RIPng",
}

// KernelRoutes lists the routes of the namespace of the calling thread. It uses a netlink
// connection of its own, because a long list takes time, and other requests should not
// wait for it.
func KernelRoutes() ([]links.Route, error) {
	handle, err := links.Open()
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	return handle.Routes()
}

// UnicastRoutes describes the routes that belong to a VPN instance, or to the public
// network if vpn is empty. They include the routes to the machine's own addresses.
func (o *Owner) UnicastRoutes(vpn string, routes []links.Route) ([]state.UnicastRoute, error) {
	tables := []uint32{unix.RT_TABLE_MAIN, unix.RT_TABLE_LOCAL}
	if vpn != "" {
		vrf := o.links.Get(vpn)
		if vrf.VRF == 0 {
			return nil, fmt.Errorf("vpn-instance %s does not exist in the kernel", vpn)
		}
		tables = []uint32{vrf.VRF}
	}
	list := make([]state.UnicastRoute, 0, len(routes))
	for _, r := range routes {
		if slices.Contains(tables, r.Table) && r.Kind != unix.RTN_MULTICAST && r.Kind != unix.RTN_ANYCAST {
			list = append(list, o.unicastRoute(r))
		}
	}
	return list, nil
}

func (o *Owner) unicastRoute(r links.Route) state.UnicastRoute {
	u := state.UnicastRoute{Destination: r.Destination.Addr(), PrefixLength: r.Destination.Bits(), NextHop: r.NextHop, Cost: r.Metric,
		Protocol: protocols[r.Protocol]}
	if u.Protocol == "" {
		u.Protocol = fmt.Sprintf("Protocol %d", r.Protocol)
	}
	if !u.NextHop.IsValid() {
		u.NextHop = netip.IPv6Unspecified()
	}
	switch r.Kind {
	case unix.RTN_UNREACHABLE, unix.RTN_BLACKHOLE, unix.RTN_PROHIBIT:
		u.Interface = "NULL0"
	default:
		u.Interface = o.plan.configuredName(o.links.Name(r.Index))
	}
	return u
}
