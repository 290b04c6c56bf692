// Package device is one router of a pair: the MLD, replication and E-Trunk cores wired
// together. It decides which streams are forwarded, which of the two devices sends each,
// which one queries the hosts, and whether this device is ready to serve.
//
// A Device is a value. It receives events and the time, and answers with effects. It
// starts no goroutine, opens no socket and reads no clock, so the daemon, the simulation
// and a replay run the same code.
//
// The way of a report: Handle(MLDReceived) reaches the interface's [mld.Router]. The
// records that it changed go to the replication channel. The groups that it changed go to
// the forwarding table (routes.go) and to the upstream proxy. A record from the peer
// takes the same way from [mld.Router.Merge] on.
//
// A part with state of its own is an owner: downstreams, proxy, trunks, replication,
// routing, exceptions, arrivals. All of them embed ground, which holds what they share.
// Each applies the effects of its cores itself. What depends on several owners is
// computed at the end of each event, in the order of settle.go.
//
// A file calls only files that stand below it:
//
//	device.go          events in, effects out
//	resume.go          the first configuration of a successor
//	configure.go       from one configuration to another
//	settle.go          in which order the consequences of an event are computed
//	checkpoint.go view.go audit.go alarms.go   the state of the device, for its callers
//	alarms_hosts.go    alarms of hosts and of foreign queriers
//	announce.go        queries and reports after the devices have found each other
//	upkeep.go          consequences of the duties that go through many records
//	pin.go             who the peers of the services are, by the hellos
//	pair.go            what each member does: readiness, duty, leg, announcement
//	proofs.go          what has been shown to work, and since when
//	ready.go           what a member lacks to serve
//	withdraw.go        handing over before the configuration changes
//	leg.go             when a leg joins the switch's aggregate, and leaves it
//	retire.go          handing everything to the peer on request
//	able.go            what keeps interfaces from working
//	trunks.go          the E-Trunks and their members
//	trunk.go           one E-Trunk; applies the effects of its core
//	member.go          one member
//	follow.go          routes, replication and exceptions follow the records
//	replicated.go      outcomes of a connection, for a recording and from one
//	arrivals_view.go   the arriving streams, for displays and alarms
//	arrivals.go        which streams arrive at one of the two devices only
//	replication.go     the remote backup services
//	trust.go           whether the peer of a service is known, and has proven itself
//	service.go         one remote backup service, and the records that it replicates
//	leaves.go          the records of a service by leaves, for a comparison
//	exceptions.go      the streams to send in the peer's stead for unacknowledged listeners
//	unacknowledged.go  the listeners that the peer has not acknowledged
//	routes.go          which (S,G) comes in where and goes out where
//	routetable.go      the forwarding entries
//	upstream.go        the seam to what brings the streams
//	proxy.go           the MLD proxy, which brings them
//	downstreams.go     the interfaces towards hosts
//	downstream.go      one such interface; applies the effects of its router
//	hearing.go         whether the answers of the hosts arrive on an interface
//	ledger.go          digests of the records of an interface
//	leafindex.go       the records of a service, sorted into leaves
//	awaited.go         the unacknowledged listeners of one interface
//	ground.go          what all owners share
//	agenda.go          when each stage of settling is due
//	effects.go event.go events.go settings.go snapshot.go keyed.go
package device
