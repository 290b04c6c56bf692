package state

// roots are the structs of the state that are shown as a whole.
var roots = []any{RoutingTable{}, ForwardingTable{}, RUI{}, Gate{}, MLDSocket{}, Interfaces{}, EthTrunk{}, ETrunks{}, Services{}, Profiles{}}
