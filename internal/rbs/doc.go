// Package rbs replicates listener records between the two devices of a pair
// over a remote backup service (RBS), one TCP connection.
//
// A Service is one RBS as long as it is configured: which device connects, when to try
// again, which connection is the current one. A session is the protocol on one connection
// and ends with it. Both are pure: they take the time and the bytes received, and return
// Effects. The records belong to the caller, who provides them as a Store. The wire format
// is specified in docs/protocol/rbs.md.
//
// The two databases are compared by a Merkle tree of two levels. A bucket is a part of the
// database, and its digest covers all its live records. A bucket with many records has a
// branch: the digests of its leaves. Each end sends its digests. The other end then asks
// for the buckets or leaves that differ, and says which records it has (a comparison). The
// first comparison of a connection is the synchronisation.
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
