package metrics

import (
	"tandem/internal/state"
)

// The device, its E-Trunks and what is sent on their members.
var (
	buildInfo      = gauge("build_info", "The running program; always 1.", "version", "revision", "go")
	uptime         = gauge("uptime_seconds", "Time since the daemon started.")
	deviceCounters = counter("device_ignored", "Inputs that no part of the device takes, by what they were.", "what")

	trunks = meterOf[state.ETrunk]("", "")
)

// The remote backup services and profiles.
var (
	services = meterOf[state.Service]("", "")
	profiles = meterOf[state.Profile]("", "")
)
