package device

import (
	"tandem/internal/instant"
	"tandem/internal/rbs"
)

// Resume is the first Configure of a device that takes the place of one of the same
// ID and boot, at the same origin of time. Roles, duty and gate are what they were, no
// host is asked and no router told anything anew; every forwarding entry is asked for
// once more, so that the kernel's can be compared with them.
func (d *Device) Resume(now instant.Time, settings Settings, cp *Checkpoint) error {
	for _, cfg := range settings.ETrunks {
		if err := cfg.Validate(); err != nil {
			return err
		}
	}
	d.settings, d.clock = settings, rbs.ResumeClock(cp.Clock)
	d.kept, d.exceptions.OrphansKept = cp.Kept.clone(), cp.Orphans.clone()
	d.trunks.resume(now, cp)
	d.services.resume(now, cp)
	d.downstreams.configure(now)
	d.assign(now)
	d.resumeDownstreams(now, cp)
	d.configureUpstream(now, &cp.Upstream)
	d.routes.resume(now, cp)
	d.services.resumeListeners(cp)
	d.arrivals.resume(now, cp)
	d.refreshAll(now)
	d.settle(now)
	return nil
}

// resumeDownstreams gives the interfaces their records back. There is no upstream yet, which
// would be told of what some of the interfaces want as if the others wanted nothing.
func (d *Device) resumeDownstreams(now instant.Time, cp *Checkpoint) {
	for i := range cp.Interfaces {
		ic := &cp.Interfaces[i]
		ifc := d.downstreams.get(ic.Name)
		if ifc == nil {
			continue
		}
		ifc.DownstreamKept = ic.Kept
		ifc.router.Resume(now, ic.Router)
		ifc.setLink(now, ifc.link)
	}
	d.assign(now) // what the routers are to do while the channel is away
}
