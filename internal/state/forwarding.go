package state

import "tandem/internal/device"

// Route is one (S,G) entry of the forwarding table with the kernel's counters.
type Route struct {
	device.RouteSnapshot
	Packets, Bytes, WrongIf uint64
}

// Forwarding counts what kept the kernel's forwarding table right.
type Forwarding struct {
	Entries    int
	Silent     uint64 // entries dropped as no packet came for KeepAlive
	Restored   uint64 // entries that somebody else had removed or changed
	Removed    uint64 // entries that somebody else had made
	Interfaces uint64 // multicast interfaces that somebody else had removed
	Audits     uint64 // comparisons of the whole table
}

// Gate is the gate as it stands in the kernel. Interfaces are Linux names.
type Gate struct {
	Installed bool // multicast routing is enabled
	// Closed interfaces send nothing, Bucket0 and Bucket1 those only; all others everything.
	Closed, Bucket0, Bucket1 []string
	Orphans                  int
	// Packets that were not sent, since the gate was last made.
	DroppedClosed, DroppedBucket0, DroppedBucket1 uint64
	// Repairs counts how often somebody else had changed it.
	Repairs uint64
}

// MLDSocket counts the messages of the MLD socket.
type MLDSocket struct {
	Received, Sent uint64
	Truncated      uint64 // longer than any MLD message can be
	Malformed      uint64 // without what the kernel has to say about it
	Overrun        uint64 // lost, as the socket's buffer was full
}
