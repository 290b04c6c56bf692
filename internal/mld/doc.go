// Package mld is Multicast Listener Discovery for IPv6: the message codec, the router
// side of a downstream interface (Router), and the host side of an upstream interface
// (Proxy). It does no input or output.
//
// It follows RFC 9777 (MLDv2, which obsoletes RFC 3810 and keeps its section numbers),
// RFC 2710 (MLDv1) and RFC 4605 (proxying). A section without an RFC is one of RFC 9777.
//
// Beyond the standard, the Router tracks every host. It keeps one versioned Record per
// group and host. What is forwarded is a function of the live records alone, so the
// databases of two routers on one link can be merged in any order. How a record changes
// is drawn in retention.go, and how a pending leave changes in leave.go.
//
// The files:
//
//	router.go, report.go, done.go    Router and the messages that it takes
//	querier.go, foreign.go           the querier's duty, and queries of others
//	leave.go, leavequery.go          a pending leave, and the queries that it sends
//	admit.go, policy.go, refusal.go  which joins are accepted
//	store.go, membership.go, wanted.go   records, and what follows from them
//	merge.go, retention.go           records of the peer, and of a peer that is lost
//	proxy.go, proxyquery.go, proxysend.go   Proxy: what it joins, answers and repeats
//	parse.go, append.go, packer.go   the messages on the wire
//
// Nothing here reads a clock or starts a goroutine. Callers pass now, an instant of their
// monotonic clock, and carry out the Effects. No type is safe for concurrent use.
package mld
