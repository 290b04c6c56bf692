// Package echo is what a ping asks for and what becomes of it: values, which the
// console, the daemon and the adapter to the kernel share.
package echo

import (
	"net/netip"
	"time"
)

// Request is a series of ICMPv6 echo requests.
type Request struct {
	Destination netip.Addr
	Source      netip.Addr // zero: the kernel chooses
	// Interface is the out interface, empty: the routing table chooses. The console gives
	// its configured name, the adapter takes a Linux name.
	Interface string
	Count     int
	Size      int           // of the data, 8 bytes at least
	Interval  time.Duration // from one request to the next
	Timeout   time.Duration // of each
}

// Reply is what became of one request.
type Reply struct {
	Sequence int // from 1
	From     netip.Addr
	HopLimit int
	Size     int
	RTT      time.Duration
	// Err says why there is no answer: os.ErrDeadlineExceeded when none came in
	// time, else what the kernel said.
	Err error
}
