package device

import (
	"net/netip"
	"time"
)

// Ping is a series of ICMPv6 echo requests.
type Ping struct {
	Destination netip.Addr
	Source      netip.Addr // zero: the kernel chooses
	Interface   string     // out interface as configured, empty: the routing table chooses
	Count       int
	Size        int           // of the data
	Interval    time.Duration // from one request to the next
	Timeout     time.Duration // of each
}

// PingReply is what became of one request.
type PingReply struct {
	Sequence int // from 1
	From     netip.Addr
	HopLimit int
	Size     int
	RTT      time.Duration
	Err      error // why there is no answer
}
