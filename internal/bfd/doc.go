// Package bfd is Bidirectional Forwarding Detection for IPv6 as a pure state
// machine: RFC 5880 in asynchronous mode, carried by UDP over one hop (RFC 5881)
// or several (RFC 5883).
//
//   - packet.go: the control packet (RFC 5880, section 4.1).
//   - session.go: one session's states (section 6.8), timing.go: its intervals,
//     Poll Sequences and detection time (sections 6.8.2 to 6.8.4 and 6.8.7).
//   - pace.go: how a session slows down while this device is too late for its intervals.
//   - transmit.go: when it sends a control packet, and what is in it (section 6.8.7).
//   - table.go: the sessions of a device, and what happens when an interface goes down.
//   - demultiplex.go: which session a packet belongs to (section 6.3 and RFC 5881, section 3).
//
// There is no clock, socket or goroutine here. now is an instant of the monotonic clock. The
// time at which the kernel received a packet is given separately. So a process that reads a
// packet late does not declare its peer lost. Authentication and the Echo function are not
// implemented. The local system never uses Demand mode; a peer may.
package bfd
