package rbs

import (
	"errors"
	"fmt"
	"time"
)

// protocolError ends the connection because of a well-formed frame, or a value in one,
// that is not allowed at that point.
type protocolError struct {
	Code   errorCode
	Detail string
}

func (e *protocolError) Error() string { return fmt.Sprintf("rbs: %v: %s", e.Code, e.Detail) }

// peerError is the reason that the peer gave when it ended the connection.
type peerError struct {
	Code errorCode
	Text string
}

func (e *peerError) Error() string { return fmt.Sprintf("rbs: ended by peer: %v: %s", e.Code, e.Text) }

// silentError says that no byte came from the peer for Interval.
type silentError struct{ Interval time.Duration }

func (e *silentError) Error() string {
	return fmt.Sprintf("rbs: nothing heard from the peer for %v", e.Interval)
}

func violation(format string, args ...any) error {
	return &protocolError{Code: codeProtocol, Detail: fmt.Sprintf(format, args...)}
}

// goodbye returns the ERROR frame that reports err to the peer, nil when the peer itself
// has sent the error.
func goodbye(err error) []byte {
	var format *formatError
	var protocol *protocolError
	var silent *silentError
	switch {
	case errors.As(err, &format):
		return errorBytes(codeFormat, err.Error())
	case errors.As(err, &protocol):
		return errorBytes(protocol.Code, protocol.Detail)
	case errors.As(err, &silent):
		return errorBytes(codeSilent, err.Error())
	}
	return nil
}

// lossCounter returns the counter for a connection that ended with err.
func (c *Counters) lossCounter(err error) *uint64 {
	var format *formatError
	var protocol *protocolError
	var silent *silentError
	var peer *peerError
	switch {
	case errors.As(err, &format):
		return &c.LostFormat
	case errors.As(err, &silent):
		return &c.LostSilent
	case errors.As(err, &peer):
		return &c.LostByPeer
	case errors.As(err, &protocol):
		switch protocol.Code {
		case codeVersion:
			return &c.LostVersion
		case codeIdentity:
			return &c.LostIdentity
		case codeReplaced:
			return &c.Replaced
		case codeClosing:
			return &c.LostLocal
		}
		return &c.LostProtocol
	}
	return &c.LostTransport
}
