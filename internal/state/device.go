package state

import (
	"tandem/internal/device"
	"tandem/internal/latency"
)

// Device is what the displays and the metrics show of a device as a whole. Groups,
// routes and the interfaces of the system are asked for one by one.
type Device struct {
	device.Snapshot
	ETrunks  []ETrunk
	Services []Service
	Profiles []Profile
	// Joins counts the time from reading a report to having the kernel's entry for it.
	Joins      latency.Histogram
	Gate       Gate
	Forwarding Forwarding
	Socket     MLDSocket
}

// DeviceOf describes what a device knows itself.
func DeviceOf(s device.Snapshot) Device {
	d := Device{Snapshot: s, ETrunks: ETrunksOf(s.ETrunks, s.Members), Services: ServicesOf(s.Services), Profiles: ProfilesOf(s.Profiles)}
	d.Forwarding.Total, d.Forwarding.Silent = s.Entries, s.Silent
	return d
}
