// Package rbs replicates listener records between the two devices of a pair over a remote
// backup service (RBS), one TCP connection.
//
// A Service is one RBS as long as it is configured: it decides which device connects,
// when it tries again, and which connection is the current one. A session is the protocol
// on one connection and ends with it. Both are pure: they take the time and the bytes
// received, and return Effects. The records belong to the caller, who provides them as a
// Store. The wire format is specified in docs/protocol/rbs.md.
//
// The two databases are compared by a Merkle tree of two levels. A bucket is a part of
// the database, and its digest covers all its live records. A bucket with many records
// has a branch: the digests of its leaves. Each end sends its digests. The other end then
// asks for the buckets or leaves that differ, and says which records it has (a
// comparison). The first comparison of a connection is the synchronisation.
//
// The files:
//
//	service.go, connect.go       Service: its connection, and how it gets one
//	link.go, resume.go           what outlives a connection, and a restart of the daemon
//	session.go                   the protocol on one connection
//	receive.go, output.go        frames taken in, frames put out
//	frame.go                     frame types; codec.go: features and the frames of old
//	batch.go, digests.go, branch.go, arrival.go   newer frames, one file a kind
//	compare.go, answer.go, answerbranch.go        comparisons: questions and answers
//	sync.go                      how far a synchronisation has come
//	streams.go, status.go        which streams come in; what devices tell of themselves
//	store.go, record.go          Store, which the caller provides, and the records in it
//	hlc.go, state.go             Clock, stamps and versions
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
