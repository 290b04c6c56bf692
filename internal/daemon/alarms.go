package daemon

import (
	"slices"
	"time"

	"tandem/internal/event"
)

// alarmInterval bounds the delay of an alarm that no event accompanies.
const alarmInterval = time.Second

// refreshAlarms tells the journal which conditions hold now.
func (o *owners) refreshAlarms() {
	conditions := slices.Concat(
		o.router.Conditions(), o.routing.Conditions(), o.netif.Conditions(), o.bfd.Conditions(), o.channels.Conditions(time.Now()))
	slices.SortFunc(conditions, event.Condition.Compare)
	o.opts.Journal.Update(conditions)
}
