package metrics

import (
	"tandem/internal/rbs"
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
	serviceState    = gauge("rbs_state", "1 for the state of the connection.", "service", "state")
	serviceSync     = gauge("rbs_in_sync", "1 while the databases have been synchronised on this connection.", "service")
	serviceEqual    = gauge("rbs_digests_equal", "1 while the digest that the peer told last is that of the own records.", "service")
	serviceRecords  = gauge("rbs_lag_records", "Records that the peer has not acknowledged.", "service")
	serviceLag      = gauge("rbs_lag_seconds", "Age of the oldest record that the peer has not acknowledged.", "service")
	serviceLags     = histogram("rbs_replication_lag_seconds", "Time from the change of a record to its acknowledgement.", "service")
	serviceCounters = counterGroup("rbs_", "Replication", rbs.Counters{}, nil, "service")

	profileRecords    = gauge("rbp_records", "Live listener records of the profile.", "profile")
	profileTombstones = gauge("rbp_tombstones", "Records of hosts that left, not acknowledged yet.", "profile")
	profileReady      = gauge("rbp_ready", "1 while the profile's member is ready.", "profile")
)

func (s sink) replication(snapshot *state.Device) {
	states := []string{rbs.Initial.String(), rbs.Listening.String(), rbs.Connecting.String(), rbs.Connected.String()}
	for _, r := range snapshot.Services {
		s.state(serviceState, r.TCP.String(), states, r.Name)
		s.flag(serviceSync, r.InSync, r.Name)
		s.flag(serviceEqual, r.TCP == rbs.Connected && r.LocalDigest == r.PeerDigest, r.Name)
		s.set(serviceRecords, float64(r.LagRecords), r.Name)
		s.set(serviceLag, r.Lag.Seconds(), r.Name)
		s.latencies(serviceLags, r.Lags, r.Name)
		s.counters(serviceCounters, r.Counters, r.Name)
	}
	for _, p := range snapshot.Profiles {
		s.set(profileRecords, float64(p.Records), p.Name)
		s.set(profileTombstones, float64(p.Tombstones), p.Name)
		s.flag(profileReady, p.Ready, p.Name)
	}
}
