package etrunk

import "fmt"

// Counters count packets since the E-Trunk was created, of all its paths or of one.
type Counters struct {
	Received uint64 `name:"receive" metric:"received"` // authentic hellos of the peer, with copies and those that were only challenged
	Sent     uint64 `name:"send" metric:"sent"`
	RecDrop  uint64 `name:"receive-dropped"` // hellos received and dropped, the sum of the causes below
	SndDrop  uint64 `name:"send-dropped"`    // hellos that were due but not sent: no key, no address, or refused by the socket

	// Challenged counts authentic hellos from a boot of the peer that had not answered a
	// challenge yet. A few come with every start of the peer; many are a sign of a
	// replay.
	Challenged uint64 `name:"challenged"`
	// Duplicate counts the received hellos that had come by another path before.
	Duplicate uint64 `name:"duplicate"`

	// Causes of RecDrop.
	NoKey        uint64 `name:"no-key"`        // no security key on this device
	WrongAddress uint64 `name:"wrong-address"` // not from an address of the peer
	BadLength    uint64 `name:"bad-length"`    // the datagram is not as long as its header says
	BadFormat    uint64 `name:"bad-format"`    // not a hello, or fields out of range
	BadVersion   uint64 `name:"bad-version"`
	UnknownTrunk uint64 `name:"unknown-trunk"` // a hello for another E-Trunk
	BadAuthMode  uint64 `name:"bad-auth-mode"` // the two devices have different authentication modes
	BadDigest    uint64 `name:"bad-digest"`    // the sender has another key, or the hello was altered
	OwnDevice    uint64 `name:"own-device"`    // this device's own hello has come back, or two devices have the same device ID
	BadSequence  uint64 `name:"bad-sequence"`  // `sequence enable` on one device only
	Replay       uint64 `name:"replay"`        // not newer than the last hello of its path, or too old for a copy
}

// Cause says why a received packet was dropped.
type Cause uint8

// The causes, in the order of the checks.
const (
	CauseNoKey Cause = iota
	CauseWrongAddress
	CauseBadLength
	CauseBadFormat
	CauseBadVersion
	CauseUnknownTrunk
	CauseBadAuthMode
	CauseBadDigest
	CauseOwnDevice
	CauseBadSequence
	CauseReplay
)

func (c Cause) String() string {
	names := [...]string{"no security key", "wrong address", "bad length", "bad format", "bad version", "unknown e-trunk",
		"authentication mode differs", "bad digest", "own device ID", "sequence mode differs", "replay"}
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("cause %d", uint8(c))
}

// DropError says why a packet was dropped. Detail gives the values found.
type DropError struct {
	Cause  Cause
	Detail string
}

func (e *DropError) Error() string {
	if e.Detail == "" {
		return "etrunk: " + e.Cause.String()
	}
	return "etrunk: " + e.Cause.String() + ": " + e.Detail
}

func drop(cause Cause, format string, args ...any) error {
	return &DropError{Cause: cause, Detail: fmt.Sprintf(format, args...)}
}

// count counts a dropped packet by its cause.
func (c *Counters) count(cause Cause) {
	c.RecDrop++
	*[...]*uint64{&c.NoKey, &c.WrongAddress, &c.BadLength, &c.BadFormat, &c.BadVersion, &c.UnknownTrunk,
		&c.BadAuthMode, &c.BadDigest, &c.OwnDevice, &c.BadSequence, &c.Replay}[cause]++
}
