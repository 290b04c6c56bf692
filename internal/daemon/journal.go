package daemon

import (
	"slices"
	"time"

	"tandem/internal/event"
)

// emit tells of an event. It may be called from any goroutine.
func (d *Daemon) emit(e event.Event) { d.opts.Journal.Emit(e) }

// alarmInterval bounds how late an alarm is that no event goes with.
const alarmInterval = time.Second

// refreshAlarms tells the journal what holds now.
func (d *Daemon) refreshAlarms() {
	conditions := d.device.Conditions()
	conditions = append(conditions, d.routing.Conditions()...)
	conditions = append(conditions, d.bfd.Conditions()...)
	conditions = append(conditions, d.channels.Conditions(time.Now())...)
	slices.SortFunc(conditions, event.Condition.Compare)
	d.opts.Journal.Update(conditions)
}
