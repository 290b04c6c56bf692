// Package multicast owns what `multicast ipv6 routing-enable` opens: the forwarding plane
// (package fib) and the MLD socket (package mldio). It carries out what the device asks
// of them and tells the device what they hear. This is where the plane is chosen.
package multicast
