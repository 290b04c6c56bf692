// Package pim is PIM Sparse Mode for IPv6 as a last-hop router needs it: the message
// codec, the neighbors, and the upstream half of the state machines (Router). Such a
// router has listeners downstream, and no sources. The package does no input or output.
//
// It follows RFC 7761 (PIM-SM), RFC 4607 and RFC 4604 (SSM), RFC 3956 (embedded RP) and
// RFC 5059 (BSR, as a listener). A section without an RFC is one of RFC 7761.
//
// The caller gives the Router what is wanted of each group (Want) and the unicast routes
// (SetRPF). The Router joins every tree that is needed, at the neighbor to which the
// routes lead. It serves no other router: a join that is addressed to it is counted and
// has no effect.
//
// Nothing here reads a clock or starts a goroutine. Callers pass now, an instant of their
// monotonic clock, and carry out the Effects. Only Advance sends. No type is safe for
// concurrent use.
package pim
