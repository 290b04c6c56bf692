// Package device is one router of a pair: the MLD, replication and E-Trunk cores
// wired together. It decides what is forwarded, who sends it, who queries and
// whether this device is ready to serve.
//
// A Device is a value. It is fed with events and readings of the time, and it answers
// with effects. It starts no goroutine, opens no socket and reads no clock,
// so the daemon, the simulation and a replay run the same code.
//
// The way of a report: Handle(MLDReceived) reaches the interface's
// [mld.Router]. The records that it changed go to the replication channel. The
// groups that it changed go to the forwarding table (routes.go) and to the upstream
// proxy. A record from the peer takes the same way from [mld.Router.Merge] on.
//
// What has state of its own is an owner: downstreams, proxy, trunks, replication, routing,
// exceptions, arrivals. All of them stand on ground, which is what they share. Each applies the
// effects of its cores itself. What follows from several owners is worked out at the end of
// each event, in the order of settle.go.
//
// A file calls only files that stand below it:
//
//	device.go          events in, effects out
//	resume.go          the first configuration of a successor
//	configure.go       from one configuration to another
//	settle.go          in which order the consequences of an event are worked out
//	checkpoint.go view.go audit.go alarms.go   what the device knows, for others
//	alarms_hosts.go    alarms of hosts and of foreign queriers
//	announce.go        what is said again when the devices have found each other
//	upkeep.go          what follows from the duties and goes through many records
//	pair.go            what each member does: readiness, duty, leg, announcement
//	ready.go           what a member lacks to serve
//	withdraw.go        handing over before the configuration changes
//	leg.go             when a leg joins the switch's aggregate, and leaves it
//	retire.go          handing everything to the peer on request
//	able.go            what keeps interfaces from their work
//	trunks.go          the E-Trunks and their members
//	trunk.go           one E-Trunk; applies the effects of its core
//	member.go          one member
//	follow.go          routes, replication and exceptions follow the records
//	replicated.go      what came of a connection, in a recording and from one
//	arrivals.go        which streams come in at one of the two devices only
//	replication.go     the remote backup services
//	service.go         one of them, and the records that it replicates
//	leaves.go          these records by leaves, for a comparison
//	exceptions.go      what to send in the peer's stead while it cannot know of a listener
//	unacknowledged.go  the listeners that the peer may not know of
//	routes.go          which (S,G) comes in where and goes out where
//	routetable.go      the entries
//	upstream.go        who brings the streams
//	proxy.go           the MLD proxy, which brings them
//	downstreams.go     the interfaces towards hosts
//	downstream.go      one of them; applies the effects of its router
//	hearing.go         whether an interface hears the hosts that it asks
//	ledger.go          digests of the records of an interface
//	leafindex.go       the records of a service, sorted into leaves
//	awaited.go         the listeners of an interface of which the peer is yet to know
//	ground.go          what all of these share
//	agenda.go          when each stage of settling is due
//	effects.go event.go events.go settings.go snapshot.go keyed.go
package device
