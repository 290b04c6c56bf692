package device

import "tandem/internal/event"

// querierConditions tells of routers that query the hosts of an interface and are none of the pair.
func (d *Device) querierConditions(hold func(k *event.AlarmKind, object, detail string)) {
	for _, ifc := range d.downstreams.list {
		if from := ifc.router.ForeignQuerier(); from.IsValid() {
			hold(event.ForeignQuerier, "Interface="+ifc.name, from.String())
		}
	}
}
