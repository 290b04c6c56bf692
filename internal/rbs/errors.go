package rbs

import (
	"errors"
	"fmt"
	"time"
)

// ProtocolError is a well-formed frame, or a value in one, that ends the connection.
type ProtocolError struct {
	Code   ErrorCode
	Detail string
}

func (e *ProtocolError) Error() string { return fmt.Sprintf("rbs: %v: %s", e.Code, e.Detail) }

// PeerError is the reason for which the peer ends the connection.
type PeerError struct {
	Code ErrorCode
	Text string
}

func (e *PeerError) Error() string { return fmt.Sprintf("rbs: ended by peer: %v: %s", e.Code, e.Text) }

// SilentError says that the peer was not heard for Interval.
type SilentError struct{ Interval time.Duration }

func (e *SilentError) Error() string {
	return fmt.Sprintf("rbs: nothing heard from the peer for %v", e.Interval)
}

func violation(format string, args ...any) error {
	return &ProtocolError{Code: CodeProtocol, Detail: fmt.Sprintf(format, args...)}
}

// goodbye returns the ERROR frame that tells the peer of err, nil when the
// peer is the one that said it.
func goodbye(err error) []byte {
	var format *FormatError
	var protocol *ProtocolError
	var silent *SilentError
	switch {
	case errors.As(err, &format):
		return AppendError(nil, CodeFormat, err.Error())
	case errors.As(err, &protocol):
		return AppendError(nil, protocol.Code, protocol.Detail)
	case errors.As(err, &silent):
		return AppendError(nil, CodeSilent, err.Error())
	}
	return nil
}

// lossCounter returns the counter for a connection that ended with err.
func (c *Counters) lossCounter(err error) *uint64 {
	var format *FormatError
	var protocol *ProtocolError
	var silent *SilentError
	var peer *PeerError
	switch {
	case errors.As(err, &format):
		return &c.LostFormat
	case errors.As(err, &silent):
		return &c.LostSilent
	case errors.As(err, &peer):
		return &c.LostByPeer
	case errors.As(err, &protocol):
		switch protocol.Code {
		case CodeVersion:
			return &c.LostVersion
		case CodeIdentity:
			return &c.LostIdentity
		case CodeReplaced:
			return &c.Replaced
		case CodeClosing:
			return &c.LostLocal
		}
		return &c.LostProtocol
	}
	return &c.LostTransport
}
