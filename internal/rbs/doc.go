// Package rbs replicates listener records between the two devices of a pair
// over a remote backup service (RBS), one TCP connection.
//
// A Service is one RBS over time: who connects, when to retry, which
// connection counts. A session is the protocol on one connection and dies with
// it. Both are pure: they are told the time and the bytes that came, and answer
// with Effects. What is replicated belongs to the caller and is reached through
// a Store. The wire format is specified in docs/protocol/rbs.md.
//
// A caller makes one Clock a device, one Service an RBS, and then
//
//   - stamps every record it writes with Clock.Now and calls Service.Dirty with its key,
//   - reports what the sockets do (Accepted, Dialled, Received, Written, Closed, ...),
//   - calls Advance when Deadline is due,
//   - carries out the Effects of each call, in the order Close, Listen, Dial, Send.
//
// Nothing here is safe for concurrent use.
package rbs
