// Package udp sends and receives UDP over IPv6. It offers what the standard library lacks:
// the destination address, interface and hop limit of a received datagram (RFC 3542), the
// time at which the kernel received it, many datagrams with one system call, and the choice
// of source address and interface for each sent datagram.
//
// A Socket never blocks and belongs to one goroutine. It is for loops that wait by
// themselves. A Conn is a Socket whose Read blocks. It is for all other users.
package udp
