// Package mld is Multicast Listener Discovery for IPv6 without any input or
// output of its own: the message codec, the router side of a downstream
// interface (Router) and the host side of an upstream one (Proxy).
//
// It follows RFC 9777 (MLDv2, which obsoletes RFC 3810 and keeps its section
// numbers), RFC 2710 (MLDv1) and RFC 4605 (proxying). Beyond the standard the
// Router always tracks hosts: its truth is one versioned Record per group and
// host, and what to forward is a function of the live records alone. That makes
// the database of two routers on one link mergeable in any order.
//
// Nothing here reads a clock or starts a goroutine. Callers pass now, a
// reading of their monotonic clock, and carry out the Effects that come back. No type is safe for concurrent use.
package mld
