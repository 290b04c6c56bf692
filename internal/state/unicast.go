package state

import (
	"net/netip"
)

// UnicastRoutes are the unicast routes of a routing table.
type UnicastRoutes struct {
	Table        string         `name:"routing-table"` // a VPN instance, or _public_
	Destinations int            `name:"destinations"`
	Total        int            `name:"routes-total"`
	Routes       []UnicastRoute `name:"routes"`
}

// UnicastRoute is one next hop to a destination. A destination with several next hops has
// a UnicastRoute for each.
type UnicastRoute struct {
	Destination  netip.Addr `name:"destination"`
	PrefixLength int        `name:"prefix-length"`
	NextHop      netip.Addr `name:"next-hop"` // :: if the destination is on the link
	Cost         uint32     `name:"cost"`     // Linux calls it metric; the lower is preferred
	Protocol     string     `name:"protocol"` // who has set the route
	Interface    string     `name:"interface"`
}

// UnicastRoutesOf returns the routes with their numbers. The routes must be sorted by
// destination.
func UnicastRoutesOf(table string, routes []UnicastRoute) UnicastRoutes {
	t := UnicastRoutes{Table: table, Total: len(routes), Routes: routes}
	for i, r := range routes {
		if i == 0 || r.Destination != routes[i-1].Destination || r.PrefixLength != routes[i-1].PrefixLength {
			t.Destinations++
		}
	}
	return t
}
