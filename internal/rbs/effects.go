package rbs

import "net/netip"

// ConnID names one connection. The caller chooses it when a connection is
// accepted or dialled, and uses each value once.
type ConnID uint64

// Effects is what the caller has to do, in the order of the fields. A service
// appends to it; the caller empties it with Reset once all is done.
type Effects struct {
	Close  []CloseConn
	Listen []Listen
	Dial   []Dial
	Send   []Send
	// StatusWanted asks for a [Service.TellStatus], Status is what the peer has told
	// since the last call, nil for nothing.
	StatusWanted bool
	Status       []byte
	// Events are for the log and for whoever waits for them.
	Events []Event
}

// CloseConn closes a connection that has not been reported Closed. The service
// has forgotten it: nothing more need be reported of it, and what is is ignored.
type CloseConn struct {
	Conn   ConnID
	Reason string
	// Last is written before closing if that needs no waiting. It tells the peer the reason.
	Last []byte
}

// Listen starts or stops listening on Local and Port. Only connections from
// Peer will be taken. A failure is reported with ListenFailed.
type Listen struct {
	On bool
	Ends
	Port     uint16
	Identity netip.Addr // the address that the peer's certificate is for
}

// Dial connects from Local to Peer and Port. It is answered by one Dialled or
// DialFailed; after 5 s without it counts as failed. It replaces an unfinished Dial, which is
// then not answered.
type Dial struct {
	Ends
	Port     uint16
	Identity netip.Addr // the address that the peer's certificate is for
}

// Send writes Bytes, at most maxChunk, to a connection, and is answered by one
// Written. Until then the bytes must not be changed and belong to the
// connection's writer; there is never a second Send meanwhile.
type Send struct {
	Conn  ConnID
	Bytes []byte
}

// EventKind says what happened to a service.
type EventKind uint8

// Kinds of events.
const (
	ChannelUp    EventKind = iota // a connection is established: both ends agreed on a version
	ChannelDown                   // the established connection was lost
	Synchronised                  // the synchronisation of the connection has ended in both directions
	Refused                       // a connection was refused or ended before it was established
	DialFailure
	ListenFailure
	Diverged // the databases differ although nothing is under way; compared again
)

func (k EventKind) String() string {
	return [...]string{"channel up", "channel down", "synchronised", "refused", "dial failed", "listen failed", "diverged"}[k]
}

// Event is one line for the log.
type Event struct {
	Kind   EventKind
	Reason string // empty for ChannelUp and Synchronised
}
