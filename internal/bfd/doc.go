// Package bfd is Bidirectional Forwarding Detection for IPv6 as a pure state
// machine: RFC 5880 in asynchronous mode, carried by UDP over one hop (RFC 5881)
// or several (RFC 5883).
//
//   - packet.go: the control packet (RFC 5880, section 4.1).
//   - session.go: one session's states (section 6.8), timing.go: its intervals,
//     Poll Sequences and detection time (sections 6.8.2 to 6.8.4 and 6.8.7).
//   - table.go: the sessions of a device, which of them a packet is for
//     (section 6.3 and RFC 5881, section 3), and what happens when an interface goes.
//
// There is no clock, socket or goroutine here. `now` is a monotonic reading; the
// time a packet was received is given apart from it, so that a process that was
// late to read a packet does not take its peer for dead. Authentication, Demand
// mode of our own and the Echo function are not implemented; a peer that asks for
// Demand mode is obeyed.
package bfd
