package device

import (
	"fmt"

	"tandem/internal/event"
)

// hostConditions tells of hosts that want more than their share, and of routers that query
// the hosts and are none of the pair.
func (d *Device) hostConditions(hold func(k *event.AlarmKind, object, detail string)) {
	for _, ifc := range d.downstreams.list {
		if from := ifc.router.ForeignQuerier(); from.IsValid() {
			hold(event.ForeignQuerier, "Interface="+ifc.name, from.String())
		}
		if refused := ifc.router.Refusal(); refused.Host.IsValid() {
			hold(event.JoinRefused, "Interface="+ifc.name, fmt.Sprintf("%v: %v", refused.Host, refused.Cause))
		}
	}
}
