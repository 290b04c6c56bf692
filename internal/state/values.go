package state

import (
	"fmt"
	"time"
)

// Timer is the time left of a timer, 0 while it does not run.
type Timer time.Duration

// Clock returns a time as hours, minutes and seconds, rounded down.
func Clock(d time.Duration) string {
	t := int64(max(d, 0) / time.Second)
	return fmt.Sprintf("%02d:%02d:%02d", t/3600, t/60%60, t%60)
}

// Interval is a length of time that is configured, or negotiated with other devices.
type Interval time.Duration

// Hex is a number of 64 bits that is shown in hexadecimal: an ID or a digest.
type Hex uint64

func (h Hex) String() string { return fmt.Sprintf("%016x", uint64(h)) }

// Index is a number that displays show in hexadecimal.
type Index int

// SystemID is the system identifier of LACP or of an E-Trunk, in VRP's form.
type SystemID [6]byte

func (s SystemID) String() string {
	return fmt.Sprintf("%02x%02x-%02x%02x-%02x%02x", s[0], s[1], s[2], s[3], s[4], s[5])
}
