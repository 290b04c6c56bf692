package daemon

import (
	"slices"
	"time"

	"tandem/internal/event"
)

// alarmInterval is the time between two checks for alarms. It bounds the delay of an
// alarm whose cause makes no event.
const alarmInterval = time.Second

// refreshAlarms reports to the journal which alarm conditions hold now.
func (o *owners) refreshAlarms() {
	conditions := slices.Concat(
		o.router.Conditions(), o.routing.Conditions(), o.netif.Conditions(), o.hellos.Conditions(), o.bfd.Conditions(), o.channels.Conditions(time.Now()))
	slices.SortFunc(conditions, event.Condition.Compare)
	o.opts.Journal.Update(conditions)
}
