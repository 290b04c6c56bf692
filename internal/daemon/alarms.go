package daemon

import (
	"slices"
	"time"

	"tandem/internal/event"
)

// alarmInterval bounds how late an alarm is that no event goes with.
const alarmInterval = time.Second

// refreshAlarms tells the journal what is wrong now.
func (o *owners) refreshAlarms() {
	conditions := slices.Concat(
		o.router.Conditions(), o.routing.Conditions(), o.bfd.Conditions(), o.channels.Conditions(time.Now()))
	slices.SortFunc(conditions, event.Condition.Compare)
	o.opts.Journal.Update(conditions)
}
