package links

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// Route is one next hop to an IPv6 destination. A destination with several next hops has
// a Route for each.
type Route struct {
	Destination netip.Prefix
	NextHop     netip.Addr // the zero Addr if the destination is on the link
	Index       int        // index of the interface, 0 if there is none
	Metric      uint32
	Protocol    uint8 // who has set the route, RTPROT_*
	Kind        uint8 // what the kernel does with the packets: RTN_UNICAST, RTN_LOCAL, RTN_UNREACHABLE and so on
	Table       uint32
}

// Routes lists the IPv6 routes of all tables, sorted by destination.
func (h *Handle) Routes() ([]Route, error) {
	request := make([]byte, unix.SizeofRtMsg)
	request[0] = unix.AF_INET6
	msgs, err := h.list(unix.RTM_GETROUTE, request)
	if err != nil {
		return nil, err
	}
	var list []Route
	for _, m := range msgs {
		list = appendRoutes(list, m.Data)
	}
	slices.SortStableFunc(list, func(a, b Route) int {
		return cmp.Or(a.Destination.Addr().Compare(b.Destination.Addr()), cmp.Compare(a.Destination.Bits(), b.Destination.Bits()),
			cmp.Compare(a.Metric, b.Metric))
	})
	return list, nil
}

// appendRoutes decodes the message of a route (struct rtmsg and its attributes).
func appendRoutes(list []Route, b []byte) []Route {
	if len(b) < unix.SizeofRtMsg || b[0] != unix.AF_INET6 {
		return list
	}
	r := Route{Table: uint32(b[4]), Protocol: b[5], Kind: b[7]}
	destination := netip.IPv6Unspecified()
	var ways []byte
	for typ, v := range netlink.Attributes(b[unix.SizeofRtMsg:]).All() {
		switch {
		case typ == unix.RTA_DST && len(v) == 16:
			destination, _ = netip.AddrFromSlice(v)
		case typ == unix.RTA_TABLE && len(v) == 4:
			r.Table = netlink.Uint32(v)
		case typ == unix.RTA_PRIORITY && len(v) == 4:
			r.Metric = netlink.Uint32(v)
		case typ == unix.RTA_MULTIPATH:
			ways = v
		default:
			r.takeWay(typ, v)
		}
	}
	r.Destination = netip.PrefixFrom(destination, int(b[1]))
	if ways == nil {
		return append(list, r)
	}
	return appendWays(list, r, ways)
}

// takeWay decodes an attribute that describes a next hop.
func (r *Route) takeWay(typ uint16, v []byte) {
	switch {
	case typ == unix.RTA_GATEWAY && len(v) == 16:
		r.NextHop, _ = netip.AddrFromSlice(v)
	case typ == unix.RTA_OIF && len(v) == 4:
		r.Index = int(netlink.Uint32(v))
	}
}

// appendWays decodes the next hops of a multipath route (struct rtnexthop, each with its
// attributes).
func appendWays(list []Route, r Route, b []byte) []Route {
	for len(b) >= unix.SizeofRtNexthop {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofRtNexthop || size > len(b) {
			break
		}
		way := r
		way.Index = int(int32(binary.NativeEndian.Uint32(b[4:])))
		for typ, v := range netlink.Attributes(b[unix.SizeofRtNexthop:size]).All() {
			way.takeWay(typ, v)
		}
		list = append(list, way)
		b = b[min((size+3)&^3, len(b)):]
	}
	return list
}
