package device

import (
	"time"

	"tandem/internal/instant"
)

// announceGap is the least time between two announcements, so that a path between the
// devices that comes and goes does not make every host answer all the time.
const announceGap = 10 * time.Second

// announce says again, after the devices have found each other, what this one is: while
// each took the other for dead both served everything, and the switches and routers
// around may believe in either. The querier asks the hosts, whose answers show both
// devices and the switch where they are; upstream, all that is joined is reported again.
func (d *Device) announce(now instant.Time) {
	if !d.kept.Found && !d.kept.Strangers {
		return
	}
	if due := d.kept.AnnouncedAt.Add(announceGap); d.kept.AnnouncedAt.IsSet() && now < due {
		d.agenda.add(stageAnnounce, due)
		return
	}
	found := d.kept.Found
	d.kept.Found, d.kept.Strangers, d.kept.AnnouncedAt = false, false, now
	for _, ifc := range d.downstreams.list {
		if ifc.member != nil {
			ifc.router.RestartQueries(now)
		}
	}
	if found {
		d.proxy.reportAll(now)
	}
}
