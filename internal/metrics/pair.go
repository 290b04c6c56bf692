package metrics

import (
	"strconv"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/rbs"
	"tandem/internal/state"
)

// The device, its E-Trunks and what is sent on their members.
var (
	buildInfo      = gauge("build_info", "The running program; always 1.", "version", "revision", "go")
	uptime         = gauge("uptime_seconds", "Time since the daemon started.")
	deviceCounters = counter("device_ignored", "Inputs that no part of the device takes, by what they were.", "what")

	trunkRole     = gauge("etrunk_role", "1 for the role that the election gave the device.", "etrunk", "role")
	trunkPeer     = gauge("etrunk_peer_alive", "1 while the peer is heard.", "etrunk")
	trunkDiffer   = gauge("etrunk_config_differences", "Settings that differ from the peer's and must not.", "etrunk")
	trunkCounters = counterGroup("etrunk_", "Hellos", etrunk.Counters{}, nil, "etrunk")

	memberUp      = gauge("member_up", "1 while the Eth-Trunk has carrier and may send.", "etrunk", "member")
	memberRole    = gauge("member_role", "1 for the role of the member.", "etrunk", "member", "role")
	memberReady   = gauge("member_ready", "1 while the device could send every wanted stream on the member.", "etrunk", "member")
	memberDuty    = gauge("member_duty", "1 for what the device is to send: none of the streams, its share or all.", "etrunk", "member", "duty")
	memberCovers  = gauge("member_covers", "1 for each bucket of streams that the gate lets pass.", "etrunk", "member", "bucket")
	memberQuerier = gauge("member_querier", "1 while it is for the device to query.", "etrunk", "member")
)

func (s sink) trunks(snapshot *state.Device) {
	roles := []string{etrunk.DeviceInit.String(), etrunk.DeviceBackup.String(), etrunk.DeviceMaster.String()}
	for _, t := range snapshot.ETrunks {
		id := number(t.ID)
		s.state(trunkRole, t.Role.String(), roles, id)
		s.flag(trunkPeer, t.PeerAlive, id)
		s.set(trunkDiffer, float64(len(t.Differences)), id)
		s.counters(trunkCounters, t.Counters, id)
		for _, m := range t.Members {
			member := number(m.ID)
			s.flag(memberUp, m.Local.Up, id, member)
			s.state(memberRole, m.Role.String(), []string{etrunk.MemberBackup.String(), etrunk.MemberMaster.String()}, id, member)
			s.flag(memberReady, m.Local.Ready, id, member)
			for bucket := range 2 {
				s.flag(memberCovers, m.Local.Covers.Has(bucket), id, member, strconv.Itoa(bucket))
			}
		}
	}
	duties := []string{device.DutyNone.String(), device.DutyShared.String(), device.DutySole.String()}
	for _, m := range snapshot.Members {
		s.state(memberDuty, m.Duty.Kind.String(), duties, number(m.ETrunk), number(m.EthTrunk))
		s.flag(memberQuerier, m.Duty.Querier, number(m.ETrunk), number(m.EthTrunk))
	}
}

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

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
