package console

import (
	"encoding/json"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/golden"
	"tandem/internal/mld"
	"tandem/internal/proof"
	"tandem/internal/rbs"
	"tandem/internal/state"
)

const selfID, peerID = 0xa11ce, 0xb0b

var (
	addr   = netip.MustParseAddr
	source = addr("2001:db8:5::1")
	groupA = addr("ff3e::1")
	groupB = addr("ff1e::2")
	day    = time.Date(2026, 3, 1, 12, 30, 15, 0, time.UTC)
)

func sampleInterfaces() []device.InterfaceSnapshot {
	conf := mld.DefaultConfig()
	return []device.InterfaceSnapshot{
		{
			Name: "Eth-Trunk10", Netdev: "eth-trunk10", Up: true, Profile: "p1",
			MLD: mld.InterfaceState{
				Config: conf, InUse: conf, LinkLocal: addr("fe80::1"), Up: true, Querier: addr("fe80::1"), IsQuerier: true,
				GeneralQueryIn: 31 * time.Second, Groups: 2, Records: 3,
			},
			Duty: device.Duty{Kind: device.DutyShared, Covers: etrunk.Bucket0, Querier: true, Reason: "both members are Master and ready"},
		},
		{Name: "eth0", Netdev: "eth0", Up: true, Upstream: true},
	}
}

func sampleTrunks() []state.ETrunk {
	trunks := bareTrunks()
	trunks[0].Members[0].ReadyFor, trunks[0].Members[0].PeerReadyFor = time.Hour, time.Minute
	shown := func(object, kind string, v proof.Verdict, reason string) state.Proof {
		return state.Proof{Object: object, Kind: kind, Proven: v == proof.Proven, Verdict: v, For: 65 * time.Second, Reason: reason}
	}
	trunks[0].Proofs = []state.Proof{
		shown("eth0", "able", proof.Proven, ""), shown("eth0", "arriving", proof.Refuted, "some streams do not arrive"),
		shown("Eth-Trunk10", "able", proof.Proven, ""), shown("Eth-Trunk10", "arriving", proof.Refuted, "some streams do not arrive"),
		shown("Eth-Trunk10", "leaving", proof.Proven, ""),
		shown("Eth-Trunk10", "told apart", proof.Unproven, "there is one path only: a broken path looks like a dead peer"),
	}
	return trunks
}

func bareTrunks() []state.ETrunk {
	return state.ETrunksOf([]etrunk.State{{
		ID: 1, Description: "to the access switch", Priority: 10, SystemID: etrunk.SystemID{0, 0xe0, 0xfc, 0x12, 0x34, 0x56},
		Local: addr("2001:db8::1"), Peer: addr("2001:db8::2"), Role: etrunk.DeviceMaster, Reason: etrunk.ReasonPriority,
		Preferred: true, HelloInterval: time.Second, FailTime: 20 * time.Second, RevertDelay: 120 * time.Second,
		Revertive: true, KeySet: true, BFDSession: "b1", BFD: etrunk.BFDUp,
		PeerAlive: true, PeerPriority: 20, PeerSystemID: etrunk.SystemID{0, 0xe0, 0xfc, 0, 0, 2},
		PeerFailTime: 20 * time.Second, PeerDeviceID: peerID, Compared: true,
		Paths: []etrunk.PathState{
			{Path: etrunk.Path{Local: addr("2001:db8::1"), Peer: addr("2001:db8::2")}, For: 65 * time.Second, Lost: true, Heard: 67 * time.Second,
				Counters: etrunk.Counters{Received: 400, Sent: 402, RecDrop: 1, Replay: 1}},
			{Path: etrunk.Path{Local: addr("2001:db8:1::1"), Peer: addr("2001:db8:1::2"), VPN: "mgmt"}, Up: true, For: time.Hour, Heard: 300 * time.Millisecond,
				Counters: etrunk.Counters{Received: 900, Sent: 402, Duplicate: 400}},
			{Path: etrunk.Path{Local: addr("2001:db8:2::1"), Peer: addr("2001:db8:2::2")}, For: time.Hour, Heard: -1, Counters: etrunk.Counters{SndDrop: 402}},
		},
		Members: []etrunk.MemberState{{
			ID: 10, RemoteID: 10, Mode: etrunk.ForceMaster, Role: etrunk.MemberMaster, Reason: etrunk.ReasonForceMaster,
			Local:     etrunk.Announcement{Up: true, Role: etrunk.MemberMaster, Ready: true, Covers: etrunk.Bucket0},
			PeerKnown: true,
			Peer:      etrunk.Announcement{Up: true, Role: etrunk.MemberMaster, Ready: true, Covers: etrunk.Bucket1},
		}},
	}, {
		ID: 2, Priority: 100, HelloInterval: time.Second, FailTime: 20 * time.Second,
	}, {
		ID: 3, Priority: 100, HelloInterval: time.Second, FailTime: 20 * time.Second, RevertDelay: 120 * time.Second, Revertive: true,
		KeySet: true, Compared: true,
		Differences: []etrunk.Difference{
			{Setting: "lacp e-trunk priority", Local: "100", Peer: "32768"},
			{Where: "Eth-Trunk20", Setting: "backup-id", Local: "20", Peer: "21"},
		},
		Members: []etrunk.MemberState{
			{ID: 20, RemoteID: 20, Held: true, RevertLeft: 65 * time.Second, Local: etrunk.Announcement{Up: true}, Reason: etrunk.ReasonPeerMemberUp},
			{ID: 21, RemoteID: 31, Held: true, Reason: etrunk.ReasonPeerMemberUp},
		},
	}}, sampleMembers())
}

func sampleMembers() []device.MemberSnapshot {
	return []device.MemberSnapshot{
		{Member: device.Member{ETrunk: 1, EthTrunk: 10}, Ready: true,
			Duty: device.Duty{Kind: device.DutyShared, Covers: etrunk.Bucket0, Querier: true, Reason: "both are ready"}},
		{Member: device.Member{ETrunk: 3, EthTrunk: 20}, Duty: device.Duty{Reason: "member is Backup"}, NotReady: "settling, 4 s left"},
		{Member: device.Member{ETrunk: 3, EthTrunk: 21}, Duty: device.Duty{Reason: "member is Backup"}, NotReady: "the Eth-Trunk is down"},
	}
}

func sampleServices() []state.Service {
	services := state.ServicesOf([]rbs.State{{
		Name: "s1", Peer: addr("2001:db8::2"), Local: addr("2001:db8::1"), Port: 7000, TCP: rbs.Connected,
		Since: 90 * time.Second, LastUp: day, PeerDeviceID: peerID, InSync: true,
		LagRecords: 2, Lag: 15 * time.Millisecond, LocalDigest: 0xabc, PeerDigest: 0xabc,
		Security: rbs.Security{TLS: true, Certificate: rbs.Fingerprint{0xab, 31: 0xcd}}, Pin: rbs.Pin{Certificate: rbs.Fingerprint{0xab, 31: 0xcd}}, PinnedBy: 1,
		LastFull:       rbs.SyncStats{Count: 1, At: day, Took: 400 * time.Millisecond, Sent: 300},
		LastDifference: rbs.SyncStats{Count: 2, At: day, Took: 40 * time.Millisecond, Sent: 3, Received: 5},
	}, {
		Name: "s2", TCP: rbs.Initial, LastError: "the peer refuses",
	}, {
		Name: "s3", Peer: addr("2001:db8::4"), Local: addr("2001:db8::3"), Port: 7001, TCP: rbs.Connecting, LastError: "connection refused",
	}})
	services[0].TrackBFD, services[1].SSLPolicy, services[2].Plaintext = "10", "pair", true
	services[0].Streams = state.Streams{Watched: true, Compared: true, Flowing: 997, Lacking: 2, StandsIn: 1,
		Lacks:  []state.StreamFault{{Stream: "(2001:db8:5::1, ff1e::7)", For: time.Minute}, {Stream: "(2001:db8:5::1, ff1e::9)", For: time.Second}},
		Stands: []state.StreamFault{{Stream: "(2001:db8:5::1, ff1e::8)", For: time.Hour}}}
	return services
}

func sampleProfiles() []state.Profile {
	return state.ProfilesOf([]device.ProfileSnapshot{{
		Name: "p1", Service: "s1", BackupID: 10, ETrunk: 1, EthTrunk: 10, MLD: true, Hot: true,
		Interfaces: []string{"Eth-Trunk10", "Eth-Trunk10.100"}, Records: 3, Digest: 0xabc, Ready: true,
	}, {
		Name: "p2", NotReady: "no remote-backup-service",
	}})
}

// downstreams returns the state of those of the interfaces that are towards hosts.
func downstreams(interfaces ...device.InterfaceSnapshot) []state.Downstream {
	return state.DeviceOf(device.Snapshot{Interfaces: interfaces}).Downstream
}

func sampleMLDCounted() []state.MLDCounted {
	d := state.DeviceOf(device.Snapshot{Interfaces: sampleInterfaces()[:1]})
	return d.MLDCounted()
}

// groupsOf returns the state of the groups of an interface.
func groupsOf(i device.InterfaceSnapshot, limit int, groups ...mld.GroupState) state.Groups {
	of := state.InterfaceGroups{Name: i.Name, LinkLocal: i.MLD.LinkLocal}
	for _, g := range groups {
		of.Groups = append(of.Groups, state.GroupOf(g))
	}
	return state.Groups{Self: selfID, Limit: limit, Interfaces: []state.InterfaceGroups{of}}
}

func sampleGroups(limit int) state.Groups {
	return groupsOf(sampleInterfaces()[0], limit, []mld.GroupState{{
		Group: groupA, Filter: mld.Filter{Mode: mld.Include, Sources: []netip.Addr{source}},
		Uptime: 99 * time.Second, Expires: 161 * time.Second, LastReporter: addr("fe80::11"),
		Hosts: []mld.HostState{
			{Host: addr("fe80::11"), Filter: mld.Filter{Sources: []netip.Addr{source}}, Age: 4 * time.Second, Expires: 161 * time.Second, Origin: selfID},
			{Host: addr("fe80::12"), Filter: mld.Filter{Sources: []netip.Addr{source}}, Age: 64 * time.Second, Expires: 101 * time.Second, Origin: peerID},
		},
	}, {
		Group: groupB, Filter: mld.Filter{Mode: mld.Exclude}, Uptime: 3 * time.Hour, Expires: time.Second,
		LastReporter: addr("fe80::13"), V1HostPresent: 5 * time.Second, LastListenerQueriesLeft: 1, LastListenerQueryIn: time.Second,
		Hosts: []mld.HostState{{Host: netip.IPv6Unspecified(), Filter: mld.Filter{Mode: mld.Exclude}, V1: true, Expires: time.Second, Origin: selfID}},
	}}...)
}

func sampleRoutes() []state.Route {
	routes := []state.Route{
		state.RouteOf(device.RouteSnapshot{Source: source, Group: groupA, Upstream: "eth0", Outgoing: []string{"Eth-Trunk10"}, Uptime: time.Minute,
			Origin: device.RouteSSM, Arrival: device.ArrivalSnapshot{Watched: true, Compared: true, Here: true, Stands: true, For: time.Minute}}),
		state.RouteOf(device.RouteSnapshot{Source: source, Group: groupB, Upstream: "eth0", Outgoing: []string{"Eth-Trunk10"}, Uptime: time.Minute,
			Origin: device.RouteASM, Orphan: true}),
		state.RouteOf(device.RouteSnapshot{Source: source, Group: addr("ff1e::99"), Upstream: "eth0", Uptime: time.Second, Origin: device.RouteIdle}),
	}
	routes[0].Packets, routes[0].Bytes, routes[1].WrongIf = 1000, 1316000, 1
	return routes
}

func sampleRedundancy() state.Redundancy {
	here, peer := "this device", "the peer"
	return state.Redundancy{At: day, Peer: state.Reload{Against: []state.Objection{
		{Object: "BFD session core", Reason: "it is Down: a device that fails is missed late", Since: day, By: here},
	}}, Self: state.Reload{Against: []state.Objection{
		{Object: "(2001:db8:5::1, ff1e::8)", Reason: "it arrives only at the device to be reloaded, which sends it", Since: day.Add(-time.Hour), By: here},
		{Object: "7 more streams", Reason: "it arrives only at the device to be reloaded, which sends it", By: here},
		{Object: "up0", Reason: "it has no link-local address", Since: day.Add(-time.Second), By: peer},
	}}}
}

// sampleArrivals returns streams that arrive at both devices, here only, at the peer
// only, and at neither, and one whose arrival is unknown.
func sampleArrivals() []state.Route {
	route := func(group string, a device.ArrivalSnapshot) state.Route {
		return state.RouteOf(device.RouteSnapshot{Source: source, Group: addr(group), Upstream: "eth0", Outgoing: []string{"Eth-Trunk10"}, Arrival: a})
	}
	return []state.Route{
		route("ff1e::5", device.ArrivalSnapshot{Watched: true, Compared: true, Here: true, Peer: true}),
		route("ff1e::7", device.ArrivalSnapshot{Watched: true, Compared: true, Peer: true, Lacks: true, For: 65 * time.Second}),
		route("ff1e::c", device.ArrivalSnapshot{Watched: true, Compared: true, Here: true, Stands: true, For: time.Hour}),
		route("ff1e::9", device.ArrivalSnapshot{Watched: true, Compared: true}),
		route("ff1e::a", device.ArrivalSnapshot{}),
	}
}

func sampleSessions() []state.BFDSession {
	return state.BFDSessionsOf([]bfd.SessionState{{
		Config: bfd.Config{Name: "b1", Peer: addr("2001:db8::2"), Local: addr("2001:db8::1"), Interface: "core0", TrackInterface: "core0",
			LocalDiscriminator: 10, RemoteDiscriminator: 20, MinTx: 10 * time.Millisecond, MinRx: 10 * time.Millisecond, DetectMult: 3,
			TOSExp: 7, Description: "the pair", WaitToRestore: time.Minute, ProcessInterface: true},
		State: bfd.Up, RemoteState: bfd.Up, ActualTx: 20 * time.Millisecond, ActualRx: 20 * time.Millisecond,
		Slow: bfd.Slowdown{Interval: 20 * time.Millisecond, Late: 12 * time.Millisecond}, SlowFor: 11 * time.Minute, RetryIn: 9 * time.Minute, Slowdowns: 1,
		DetectTime: 60 * time.Millisecond, RemoteMult: 3, Since: 90 * time.Second, UpCount: 2, Flaps: 1, Sent: 100, Received: 99,
		Diagnostic: bfd.DiagDetectionTimeExpired,
		LastUp:     90 * time.Second, LastDown: 2 * time.Minute, RestoreIn: 30 * time.Second,
	}, {
		Config: bfd.Config{Name: "e-trunk 3", Peer: addr("2001:db8::3"), VRF: "red", VRFIndex: 7, LocalDiscriminator: 70000, DetectMult: 3, Auto: true, Dynamic: true},
		State:  bfd.Up, ActualRemoteDiscriminator: 80000,
	}, {
		Config: bfd.Config{Name: "b2", Peer: addr("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), LocalDiscriminator: 11, DetectMult: 3},
		State:  bfd.Down, NotUpReason: "no remote discriminator", InterfaceMissing: true,
	}})
}

func samplePoints() []config.Point {
	return []config.Point{
		{ID: 1000000001, At: day, PointInfo: config.PointInfo{User: "root"}},
		{ID: 1000000002, At: day.Add(time.Hour), PointInfo: config.PointInfo{User: "root", Source: "console", Label: "ready", Description: "the pair works"}},
	}
}

func sampleEthTrunk() state.EthTrunk {
	return state.EthTrunk{
		Name: "Eth-Trunk10", Netdev: "eth-trunk10", Exists: true, Up: true, AdminUp: true, Owned: true, Driver: "bond", Mode: "802.3ad",
		MAC: "02:00:00:00:00:0a", Leg: state.LegJoined, LACP: true, Fast: true, SystemPriority: 100,
		SystemID: state.SystemID{0x00, 0xe0, 0xfc, 0, 0, 1}, Key: 657, Aggregator: 1, PartnerSystem: state.SystemID{2, 0, 0, 0, 0, 0xce}, PartnerKey: 15,
		Monitor: 10 * time.Millisecond,
		Ports: []state.Port{
			{Name: "port0", Netdev: "port0", Exists: true, Joined: true, Up: true, Active: true, Failures: 2, Aggregator: aggregator(1), Actor: "11111100", Partner: "10111100"},
			{Name: "GigabitEthernet0/1/0", Netdev: "ens3", Exists: true, Joined: true, Aggregator: aggregator(2), Actor: "10100010", Partner: "00000000"},
			{Name: "port9", Netdev: "port9"},
		},
	}
}

func aggregator(id uint16) *uint16 { return &id }

func sampleBook() event.Book {
	book := event.NewBook(512)
	book.Note(event.Entry{Event: event.ETrunkStatusChange.With(1, "Master", "BFD_DOWN"), At: day})
	book.Note(event.Entry{Event: event.RBSChannelStatusChange.With("rbs1", "Down", "connection reset"), At: day.Add(time.Millisecond)})
	book.Note(event.Entry{Event: event.RBSChannelStatusChange.With("rbs1", "Up", ""), At: day.Add(time.Second)})
	book.Suppressed = 3
	return *book
}

func logOf(book event.Book) Display { return logBufferDisplay("A", &book, book.Recent(book.Size())) }

func sampleAlarms() []state.Alarm {
	return state.AlarmsOf([]event.Alarm{
		{Condition: event.Condition{AlarmKind: event.UpstreamDown, Object: "up0"}, Since: day, Number: 7},
		{Condition: event.Condition{AlarmKind: event.PeerLost, Object: "ETrunkId=1", Detail: "BFD_DOWN"}, Since: day, Number: 6},
	})
}

// sample is a display with the command that shows it, given by its leading words.
type sample struct {
	command, name string
	Display
}

func samples() []sample {
	interfaces := downstreams(sampleInterfaces()...)
	restricted := downstreams(sampleRestricted())
	infos := sampleInterfaceInfos()
	return []sample{
		{"e-trunk", "e-trunk", eTrunksDisplay(sampleTrunks())},
		{"e-trunk bfd", "e-trunk-bfd", eTrunkBFDDisplay(state.ETrunkSessionsOf(sampleTrunks(), sampleSessions()))},
		{"bfd session", "bfd", bfdSessionsDisplay(sampleSessions())},
		{"bfd session", "bfd-verbose", bfdSessionsVerboseDisplay(sampleSessions())},
		{"bfd statistics", "bfd-statistics", bfdStatisticsDisplay(state.BFDStatistics{
			Counters: bfd.Counters{Received: 100, Sent: 99, DropHopLimit: 2, DropNoSession: 1}, Ups: 2, Downs: 1,
			Priority: "SCHED_FIFO", MaxLate: 420 * time.Microsecond, Starts: 1, LastError: "network is down",
		})},
		{"bfd statistics", "bfd-statistics-none", bfdStatisticsDisplay(state.BFDStatistics{})},
		{"remote-backup-service", "remote-backup-service", servicesDisplay(sampleServices(), false)},
		{"remote-backup-service", "remote-backup-service-v", servicesDisplay(sampleServices(), true)},
		{"remote-backup-profile", "remote-backup-profile", profilesDisplay(sampleProfiles())},
		{"remote-backup-profile", "remote-backup-profiles", profileListDisplay(sampleProfiles())},
		{"mld group", "mld-group", mldGroupsDisplay(sampleGroups(0))},
		{"mld group", "mld-group-verbose", mldGroupsVerboseDisplay(sampleGroups(1000))},
		{"mld group", "mld-group-static", mldGroupsDisplay(sampleAdmitted(1000))},
		{"mld group", "mld-group-admitted", mldGroupsVerboseDisplay(sampleAdmitted(0))},
		{"mld interface", "mld-interface", mldInterfacesDisplay(interfaces, false)},
		{"mld interface", "mld-interface-verbose", mldInterfacesDisplay(interfaces, true)},
		{"mld interface", "mld-interface-limits", mldInterfacesDisplay(restricted, true)},
		{"mld control-message", "mld-counters", mldCountersDisplay(sampleMLDCounted(), true, true)},
		{"default-parameter mld", "mld-defaults", mldDefaultsDisplay()},
		{"acl", "acl", aclsDisplay(aclsOf(sampleACLs()))},
		{"multicast ipv6 routing-table", "multicast-routing", routingTableDisplay(state.RoutingTable{Total: 3, Entries: sampleRoutes()})},
		{"multicast ipv6 forwarding-table", "multicast-forwarding", forwardingTableDisplay(state.ForwardingTableOf(sampleRoutes(), interfaces,
			state.Forwarding{Silent: 12, Repairs: state.Repairs{Restored: 3, Removed: 1, Interfaces: 2, Audits: 360}}))},
		{"multicast ipv6 arriving", "multicast-arriving", arrivingDisplay(state.ArrivalTableOf(sampleArrivals(), false))},
		{"multicast ipv6 arriving", "multicast-arriving-lacking", arrivingDisplay(state.ArrivalTableOf(sampleArrivals(), true))},
		{"multicast ipv6 rui", "multicast-rui-lacking", ruiDisplay(state.RUIOf(source, addr("ff1e::7"), "Eth-Trunk10", sampleArrivals(), interfaces))},
		{"multicast ipv6 rui", "multicast-rui-in-stead", ruiDisplay(state.RUIOf(source, addr("ff1e::c"), "Eth-Trunk10", sampleArrivals(), interfaces))},
		{"redundancy", "redundancy", redundancyDisplay(sampleRedundancy())},
		{"redundancy", "redundancy-safe", redundancyDisplay(state.Redundancy{At: day, Peer: state.Reload{Safe: true}, Self: state.Reload{Safe: true}})},
		{"multicast ipv6 gate", "multicast-gate", gateDisplay(state.Gate{Installed: true, Closed: []string{"eth-trunk12"},
			Bucket0: []string{"eth-trunk10"}, Bucket1: []string{"eth-trunk11"}, Orphans: 1, DroppedBucket0: 12, Repairs: 2})},
		{"multicast ipv6 rui", "multicast-rui", ruiDisplay(state.RUIOf(source, groupA, "Eth-Trunk10", sampleRoutes(), interfaces))},
		{"multicast ipv6 rui", "multicast-rui-no-listener", ruiDisplay(state.RUIOf(source, addr("ff1e::5"), "Eth-Trunk11", sampleRoutes(), interfaces))},
		{"interface", "interface-brief", interfaceBriefDisplay(infos)},
		{"interface", "interface", interfacesDisplay(infos)},
		{"ipv6 interface", "ipv6-interface-brief", ipv6BriefDisplay(infos)},
		{"ipv6 routing-table", "ipv6-routing-table", unicastRoutesDisplay(state.UnicastRoutesOf("_public_", sampleUnicastRoutes()))},
		{"eth-trunk", "eth-trunk", ethTrunkDisplay(sampleEthTrunk())},
		{"eth-trunk", "eth-trunks", ethTrunksDisplay(state.EthTrunks{EthTrunks: []state.EthTrunk{sampleEthTrunk(), {Name: "Eth-Trunk11", Driver: "veth"}}})},
		{"eth-trunk", "eth-trunk-adopted", ethTrunkDisplay(state.EthTrunk{Name: "Eth-Trunk11", Netdev: "eth-trunk11", Exists: true, Driver: "veth", Up: true})},
		{"logbuffer", "logbuffer", logOf(sampleBook())},
		{"alarm", "alarm", alarmsDisplay(sampleAlarms())},
		{"http server", "http-server", httpServerDisplay(state.HTTPServer{Enabled: config.New().HTTP.Enabled, Address: config.New().HTTP.Address, Port: config.New().HTTP.Port, LastError: "address already in use"})},
		{"configuration commit list", "commit-list", commitsDisplay(commitsOf(samplePoints()))},
		{"configuration commit list", "commit-list-verbose", commitsVerboseDisplay(commitsOf(samplePoints()))},
		{"configuration trial", "trial", trialDisplay(state.Trial{On: true, User: "root", Source: "console", Label: "try", Description: "another address",
			Persist: true, Left: time.Minute})},
		{"configuration trial", "trial-none", trialDisplay(state.Trial{})},
		{"version", "version-unknown", versionDisplay(state.System{Build: state.Build{Version: "(devel)", Go: "go1.26"}, SysName: "A", DeviceID: selfID})},
		{"ssh server status", "ssh-status", sshStatusDisplay(state.SSHServer{Enabled: true, Address: "[::]:2222", Fingerprint: "SHA256:abc", Trouble: "no such address",
			SSHCounters: state.SSHCounters{Logins: 7, Failed: 6, Blocked: 5, TooMany: 4}, BlockedSources: 1, Open: sampleLogins()})},
		{"ssh server status", "ssh-off", sshStatusDisplay(state.SSHServer{})},
		{"ssh server session", "ssh-session", sshSessionsDisplay(sampleLogins())},
		{"version", "version", versionDisplay(state.System{Build: state.Build{Version: "v0.1.0", Revision: "abc", Go: "go1.26"}, SysName: "A", DeviceID: selfID, Uptime: 26 * time.Hour})},
	}
}

func sampleLogins() []state.SSHSession {
	return []state.SSHSession{
		{User: "bob", Source: "ssh 192.0.2.7:50022", Level: int(Monitoring), Since: day.Add(time.Hour), Idle: time.Second},
		{User: "ann", Source: "ssh [2001:db8::9]:41234", Level: int(Configuration), Since: day, Idle: 3 * time.Minute},
	}
}

func sampleUnicastRoutes() []state.UnicastRoute {
	return []state.UnicastRoute{
		{Destination: addr("::"), NextHop: addr("fe80::1"), Cost: 1024, Protocol: "RA", Interface: "up0"},
		{Destination: addr("::"), NextHop: addr("fe80::2"), Cost: 1024, Protocol: "RA", Interface: "core0"},
		{Destination: addr("2001:db8:10::"), PrefixLength: 64, NextHop: netip.IPv6Unspecified(), Cost: 256, Protocol: "Direct", Interface: "Eth-Trunk10"},
	}
}

func sampleInterfaceInfos() []state.Interface {
	return []state.Interface{
		{Name: "Eth-Trunk10", Netdev: "eth-trunk10", Kind: "bond", Exists: true, Up: true, AdminUp: true, MAC: "02:00:00:00:00:01", MTU: 1500, Description: "to the access switch",
			Addresses: []netip.Prefix{netip.MustParsePrefix("2001:db8:10::1/64"), netip.MustParsePrefix("fe80::1/64")},
			In:        state.Traffic{Packets: 10, Bytes: 860}, Out: state.Traffic{Packets: 1000, Bytes: 1316000, Dropped: 1}},
		{Name: "eth1", Netdev: "eth1", Exists: true, MAC: "02:00:00:00:00:02", MTU: 9000},
		{Name: "GigabitEthernet0/1/0"},
	}
}

// TestDisplays compares every display, as text and as JSON, with a golden file.
func TestDisplays(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			facts, err := json.MarshalIndent(s.Facts, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			screen := filepath.Join("testdata", "display", s.name)
			golden.Check(t, screen+".txt", s.Text)
			golden.Check(t, screen+".json", string(facts)+"\n")
		})
	}
}

// TestServiceIndex: a service has the same number in its own display as in the list of
// all services.
func TestServiceIndex(t *testing.T) {
	if d := servicesDisplay(sampleServices()[1:], false); !strings.Contains(d.Text, " Service-Index        : 1\n") {
		t.Errorf("the second service alone:\n%s", d.Text)
	}
}

func TestPipe(t *testing.T) {
	d := Display{Text: "alpha\n one\nbeta\ngamma\n two\n", Facts: map[string]int{"n": 3}}
	for _, c := range []struct{ pipe, want, problem string }{
		{pipe: "include a$", want: "alpha\nbeta\ngamma\n"},
		{pipe: " inc et", want: "beta\n"},
		{pipe: " exclude et|n", want: "alpha\ngamma\n two\n"},
		{pipe: " begin bet", want: "beta\ngamma\n two\n"},
		{pipe: " count", want: "Total lines: 5.\n"},
		{pipe: " json", want: "{\n  \"n\": 3\n}\n"},
		{pipe: " INCLUDE \"alpha\"", want: "alpha\n"},
		{pipe: " section include two", want: "gamma\n two\n"},
		{pipe: " sec e gam", want: "alpha\n one\nbeta\n"},
		{pipe: " include a | count", want: "Total lines: 3.\n"},
		{pipe: " include a | exc bet | inc m", want: "gamma\n"},
		{pipe: " include alpha | b", want: ""}, // the bar belongs to the regular expression
		{pipe: " ", problem: "Incomplete command found at '^' position."},
		{pipe: " include", problem: "Incomplete command found at '^' position."},
		{pipe: " include (", problem: "Wrong parameter found at '^' position. (regexp: missing closing ))"},
		{pipe: " sort", problem: "Unrecognized command found at '^' position."},
		{pipe: " json x", problem: "Too many parameters found at '^' position."},
		{pipe: " count | json", problem: "Wrong parameter found at '^' position. (json takes what the display itself shows, so it comes first)"},
	} {
		p, err := parsePipes(c.pipe)
		if err != nil {
			if err.Error() != c.problem {
				t.Errorf("%q: %v, want %q", c.pipe, err, c.problem)
			}
			continue
		}
		if got, err := p.print(d); err != nil || got != c.want || c.problem != "" {
			t.Errorf("%q: %q, %v; want %q", c.pipe, got, err, c.want)
		}
	}
}

func TestSplitPipeLeavesQuotesAlone(t *testing.T) {
	command, pipe, piped := splitPipe(`description "a | b" | count`)
	if command != `description "a | b" ` || pipe != " count" || !piped {
		t.Errorf("got %q, %q, %v", command, pipe, piped)
	}
}
