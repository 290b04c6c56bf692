package state

// roots lists the structs of the state that are shown as a whole.
var roots = []any{
	Device{}, Interfaces{}, UnicastRoutes{}, EthTrunk{}, EthTrunks{}, ETrunks{}, Services{}, Profiles{},
	Downstreams{}, Groups{}, MLDCounters{}, MLDDefaults{}, BFDSessions{}, ETrunkSessions{}, BFDStatistics{}, RoutingTable{}, ForwardingTable{}, ArrivalTable{}, Redundancy{}, RUI{},
	System{}, HTTPServer{}, SSHServer{}, SSHSessions{}, Log{}, Alarms{}, Text{}, ACLs{}, Commits{}, Trial{}, Measured{},
}
