// Package pim is PIM Sparse Mode for IPv6 as a last-hop router needs it: the message codec,
// the neighbors, and the upstream half of the state machines (Router). Listeners are below
// such a router, and no sources. It does no input or output.
//
// It follows RFC 7761 (PIM-SM), RFC 4607 and RFC 4604 (SSM), RFC 3956 (embedded RP) and
// RFC 5059 (BSR, as a listener). A section without an RFC is one of RFC 7761.
//
// The Router is told what is wanted of each group (Want) and how the unicast routes run
// (SetRPF). It joins every tree that this asks for, at the neighbor that the routes name. It
// serves no other router: a join that is addressed to it is counted and has no effect.
//
// Nothing here reads a clock or starts a goroutine. Callers pass now, an instant of their
// monotonic clock, and carry out the Effects. Only Advance sends. No type is safe for
// concurrent use.
package pim
