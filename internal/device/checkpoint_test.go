package device

import (
	"reflect"
	"testing"

	"tandem/internal/resumetest"
)

// TestCheckpointIsWhole: nothing that a device knows for longer than an event is missing in what
// its successor is given.
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
		{reflect.TypeFor[Device](), []string{"id", "boot", "clock", "kept", "links", "upstream", "downstreams", "trunks", "services", "routes", "orphans"}, map[string]string{
			"settings": given, "numbered": "the interfaces are numbered anew", "order": follows, "dutyDirty": "all is worked out anew",
			"gateDirty": "all is worked out anew", "orphansDirty": "all is worked out anew", "routesDirty": "all is worked out anew",
			"behind": "all is worked out anew", "wake": "all is worked out anew", "fx": turn, "taken": turn, "mldFx": turn, "trunkFx": turn,
			"observer": given, "replayed": given,
		}},
		{reflect.TypeFor[upstream](), []string{"proxy"}, map[string]string{"name": given, "netdev": given, "link": follows}},
		{reflect.TypeFor[downstream](), []string{"name", "DownstreamKept", "router", "awaited"}, map[string]string{
			"netdev": given, "cfg": given, "link": follows, "ledger": follows, "service": follows, "number": "numbered anew",
		}},
		{reflect.TypeFor[awaited](), []string{"list"}, map[string]string{"place": follows}},
		{reflect.TypeFor[trunk](), []string{"core", "random", "members", "TrunkKept"}, map[string]string{"cfg": given, "state": follows}},
		{reflect.TypeFor[member](), []string{"id", "MemberKept"}, map[string]string{"leg": given}},
		{reflect.TypeFor[service](), []string{"name", "core", "ServiceKept"}, map[string]string{
			"dev": given, "cfg": given, "fx": turn, "interfaces": follows, "merging": turn, "index": follows,
		}},
		{reflect.TypeFor[orphanage](), []string{"OrphansKept"}, map[string]string{
			"waiting": follows, "fresh": "follows from the listeners", "overdue": "follows from the listeners", "dueAt": "all is worked out anew", "doneAt": "all is worked out anew",
		}},
		{reflect.TypeFor[routeTable](), []string{"routes"}, map[string]string{
			"seed": given, "groups": follows, "round": "an audit begins anew", "seen": "an audit begins anew", "idle": follows, "lists": follows, "scratch": turn,
		}},
		{reflect.TypeFor[route](), []string{"source", "group", "RouteKept"}, map[string]string{"outgoing": follows, "links": "place in the table", "round": "an audit begins anew"}},
	} {
		resumetest.Fields(t, c.of, c.kept, c.anew)
	}
	resumetest.Survives(t, Checkpoint{})
}
