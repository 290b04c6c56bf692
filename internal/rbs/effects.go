package rbs

import "net/netip"

// ConnID names one connection. The caller chooses it when a connection is
// accepted or dialled, and uses each value once.
type ConnID uint64

// Effects is what the caller has to do, in the order of the fields. A service appends to
// it. The caller empties it with Reset when it has done all of it.
type Effects struct {
	Close  []CloseConn
	Listen []Listen
	Dial   []Dial
	Send   []Send
	// StatusWanted says that the peer has requested this device's status; the caller
	// answers with [Service.TellStatus]. Status is the status that the peer has sent
	// since the last call, nil for none.
	StatusWanted bool
	Status       []byte
	// Events are for the log, and for a caller that waits for one.
	Events []Event
}

// CloseConn asks the caller to close a connection that it has not reported as Closed. The
// service no longer knows it, and ignores further reports about it.
type CloseConn struct {
	Conn   ConnID
	Reason string
	// Last is written before the close, if this is possible without waiting. It carries
	// the reason to the peer.
	Last []byte
}

// Listen asks the caller to start or stop listening on Local and Port. Only connections
// from Peer will be accepted. The caller reports a failure with ListenFailed.
type Listen struct {
	On bool
	Ends
	Port     uint16
	Identity netip.Addr  // the address that the peer's certificate is for
	Pin      Fingerprint // the certificate that the peer must show, zero to accept any
}

// Dial asks the caller to connect from Local to Peer and Port. The caller answers with
// one Dialled or DialFailed. Without an answer, the Dial counts as failed after 5 s. A
// new Dial replaces an unfinished one, which the caller then does not answer.
type Dial struct {
	Ends
	Port     uint16
	Identity netip.Addr  // the address that the peer's certificate is for
	Pin      Fingerprint // the certificate that the peer must show, zero to accept any
}

// Send asks the caller to write Bytes, at most maxChunk of them, to a connection. The
// caller answers with one Written. Until then Bytes must not be changed, and there is no
// second Send for the connection.
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
	Diverged // the databases differ although no record is under way; they are compared again
)

func (k EventKind) String() string {
	return [...]string{"channel up", "channel down", "synchronised", "refused", "dial failed", "listen failed", "diverged"}[k]
}

// Event is one line for the log.
type Event struct {
	Kind   EventKind
	Reason string // empty for ChannelUp and Synchronised
}
