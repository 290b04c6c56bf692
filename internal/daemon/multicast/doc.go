// Package multicast owns what `multicast ipv6 routing-enable` opens: the forwarding plane
// (package fib) and the MLD socket (package mldio). It carries out the effects of the
// device on them, and reports to the device what they receive. It chooses the kind of
// plane.
package multicast
