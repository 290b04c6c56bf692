package device

import (
	"time"

	"tandem/internal/instant"
)

// announceGap is the shortest time between two announcements. Without it, a path between
// the devices that goes up and down would make every host answer all the time.
const announceGap = 10 * time.Second

// announce shows the switches, hosts and routers where this device is, after the two
// devices have found each other again. While each took the other for dead, both served
// everything, and the switches and routers around may have followed either. If this
// device is the querier, it queries the hosts: the queries and answers show the switch
// where both are. Towards the upstream routers, it reports again all that is joined.
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
