// Package udp is UDP over IPv6 with what the standard library leaves out: the
// address, interface and hop limit that a datagram came with (RFC 3542), the time
// at which the kernel received it, batches of datagrams by one system call, and
// the choice of source address and interface for every datagram sent.
//
// A Socket never blocks and belongs to one goroutine, for loops that wait by
// themselves. A Conn is a Socket whose Read blocks, for everybody else.
package udp
