package state

import (
	"tandem/internal/device"
	"tandem/internal/latency"
)

// Device is what the displays and the metrics show of a device as a whole. Groups,
// routes and the interfaces of the system are asked for one by one.
type Device struct {
	device.Snapshot
	// Joins counts the time from reading a report to having the kernel's entry for it.
	Joins      latency.Histogram
	Gate       Gate
	Forwarding Forwarding
	Socket     MLDSocket
}
