package device

import (
	"reflect"
	"testing"

	"tandem/internal/resumetest"
)

// TestCheckpointIsWhole: the checkpoint contains all state of a device that outlives an
// event.
func TestCheckpointIsWhole(t *testing.T) {
	const (
		given   = "is given"
		follows = "follows from the rest"
		turn    = "of the turn under way"
	)
	for _, c := range []struct {
		of   reflect.Type
		kept []string
		anew map[string]string
	}{
		{reflect.TypeFor[Device](), []string{"ground", "proxy", "downstreams", "trunks", "services", "routes", "exceptions", "arrivals"}, map[string]string{
			"duties": "has no state", "upkeep": "has no state", "taken": turn,
		}},
		{reflect.TypeFor[duties](), nil, map[string]string{
			"ground": given, "trunks": given, "services": given, "downstreams": given, "upstream": given,
		}},
		{reflect.TypeFor[upkeep](), nil, map[string]string{"ground": given, "trunks": given, "services": given, "downstreams": given}},
		{reflect.TypeFor[trunks](), []string{"keyed"}, map[string]string{"ground": given}},
		{reflect.TypeFor[replication](), []string{"keyed"}, map[string]string{
			"ground": given, "exceptions": given, "arrivals": given, "observer": given, "replayed": given,
		}},
		{reflect.TypeFor[downstreams](), []string{"keyed"}, map[string]string{
			"ground": given, "followers": given, "numbered": "the interfaces are numbered anew",
		}},
		{reflect.TypeFor[routing](), []string{"table"}, map[string]string{
			"ground": given, "downstreams": given, "upstream": given, "arrivals": given,
		}},
		{reflect.TypeFor[arrivals](), []string{"watched", "flowing"}, map[string]string{"ground": given, "services": given, "routes": given}},
		{reflect.TypeFor[ground](), []string{"id", "boot", "clock", "kept", "links"}, map[string]string{
			"settings": given, "agenda": "all is worked out anew", "fx": turn,
		}},
		{reflect.TypeFor[proxy](), []string{"core"}, map[string]string{"ground": given, "name": given, "netdev": given, "link": follows, "fx": turn}},
		{reflect.TypeFor[downstream](), []string{"name", "DownstreamKept", "router", "awaited"}, map[string]string{
			"ground": given, "netdev": given, "cfg": given, "link": follows, "ledger": follows, "member": follows, "service": follows, "number": "numbered anew",
			"hearing": "begins with the next query",
		}},
		{reflect.TypeFor[router](), []string{"Router"}, map[string]string{"ifc": given, "followers": given, "fx": turn}},
		{reflect.TypeFor[awaited](), []string{"list"}, map[string]string{"place": follows}},
		{reflect.TypeFor[trunk](), []string{"core", "random", "members", "TrunkKept"}, map[string]string{"ground": given, "cfg": given, "state": follows}},
		{reflect.TypeFor[trunkCore](), []string{"Trunk"}, map[string]string{"of": given, "fx": turn}},
		{reflect.TypeFor[member](), []string{"id", "MemberKept"}, map[string]string{"leg": given}},
		{reflect.TypeFor[service](), []string{"name", "core", "ServiceKept", "arriving"}, map[string]string{
			"most": follows, "all": given, "cfg": given, "fx": turn, "interfaces": follows, "merging": turn, "index": follows,
		}},
		{reflect.TypeFor[exceptions](), []string{"OrphansKept"}, map[string]string{
			"ground": given, "downstreams": given, "routes": given,
			"waiting": follows, "fresh": "follows from the listeners", "overdue": "follows from the listeners", "doneAt": "all is worked out anew",
		}},
		{reflect.TypeFor[routeTable](), []string{"routes"}, map[string]string{
			"seed": given, "groups": follows, "round": "an audit begins anew", "seen": "an audit begins anew", "idle": follows, "paths": follows, "scratch": turn,
		}},
		{reflect.TypeFor[route](), []string{"source", "group", "RouteKept"}, map[string]string{"path": follows, "links": "place in the table", "round": "an audit begins anew"}},
	} {
		resumetest.Fields(t, c.of, c.kept, c.anew)
	}
	resumetest.Survives(t, Checkpoint{})
}
