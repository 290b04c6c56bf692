package device

import (
	"fmt"

	"tandem/internal/event"
	"tandem/internal/proof"
)

// hostConditions calls hold for hosts that ask for more than their share, for routers
// outside the pair that query the hosts, and for interfaces on which no message of a host
// arrives although there are hosts.
func (ds *downstreams) hostConditions(hold func(k *event.AlarmKind, object, detail string)) {
	for _, ifc := range ds.list {
		if from := ifc.router.ForeignQuerier(); from.IsValid() {
			hold(event.ForeignQuerier, "Interface="+ifc.name, from.String())
		}
		if deaf := ifc.hearing.Deaf(); deaf != proof.NoWitness {
			hold(event.Deaf, "Interface="+ifc.name, deaf.String())
		}
		if refused := ifc.router.Refusal(); refused.Host.IsValid() {
			hold(event.JoinRefused, "Interface="+ifc.name, fmt.Sprintf("%v: %v", refused.Host, refused.Cause))
		}
	}
}
