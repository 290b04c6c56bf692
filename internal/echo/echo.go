// Package echo has the request and the reply of a ping, as values that the console, the
// daemon and the adapter to the kernel share.
package echo

import (
	"net/netip"
	"time"
)

// Request is a series of ICMPv6 echo requests.
type Request struct {
	Destination netip.Addr
	Source      netip.Addr // the zero Addr means that the kernel chooses
	// Interface is the outgoing interface; if it is empty, the routing table chooses. The
	// console gives its configured name, the adapter needs its Linux name.
	Interface string
	Count     int
	Size      int           // size of the data, at least 8 bytes
	Interval  time.Duration // time from one request to the next
	Timeout   time.Duration // time to wait for each reply
}

// Reply is the result of one request.
type Reply struct {
	Sequence int // from 1
	From     netip.Addr
	HopLimit int
	Size     int
	RTT      time.Duration
	// Err says why there is no reply: os.ErrDeadlineExceeded if none came in time, else
	// the error of the kernel.
	Err error
}
